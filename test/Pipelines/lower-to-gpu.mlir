// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-lower-to-gpu="emit=nvvm supernet=group-size=16 batch=1 sequence=8" | FileCheck %s
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-lower-to-gpu="emit=ptx supernet=group-size=16 batch=1 sequence=8" | FileCheck %s --check-prefix=PTX

// The stages that are missing run first: a forward function becomes a training step, an optimizer and inference.
// RUN: qfa-compile %S/../Inputs/tiny-llama.mlir --compile-from=import --compile-to=supernet --group-size=16 | qfa-opt --qfa-lower-to-gpu="emit=nvvm batch=1 sequence=8" | FileCheck %s
// RUN: qfa-compile %S/../Inputs/tiny-llama.mlir --compile-from=import --compile-to=kernels --group-size=16 --batch=1 --sequence=8 | qfa-opt --qfa-lower-to-gpu="emit=nvvm" | FileCheck %s

// CHECK: llvm.func @qfa_entry_train_step(
// CHECK: qfa.gpu_kernel @linear_{{.*}} pointers {{[0-9]+}} workspace {{[1-9][0-9]*}} flops {{[1-9][0-9]*}}
// CHECK: qfa.gpu_launch @kernels::@
// CHECK: gpu.module @kernels
// CHECK: nvvm.mma.sync
// CHECK-NOT: qfa.kernel @
// CHECK-NOT: func.func

// PTX: gpu.binary @kernels
// PTX-SAME: chip = "sm_80"
// PTX-SAME: .target sm_80
// PTX-SAME: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
