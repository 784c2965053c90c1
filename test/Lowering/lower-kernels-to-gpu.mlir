// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=bf16" --split-input-file | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f32" --split-input-file | FileCheck %s --check-prefix=F32

// Tests that a product of many tokens has panels in the workspace, asynchronous copies, and tensor cores for rounded
// factors alone.
// CHECK-LABEL: qfa.gpu_kernel @linear pointers 3 workspace 98304
// CHECK-NEXT: qfa.gpu_launch @kernels::@linear__cast grid [256, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@linear__weight grid [1, 4, 1] block 128 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@linear__product grid [2, 4, 1] block 128 argument 0 shared 49152 computes {
// CHECK-NEXT: qfa.gpu_product [200, 96, 64] left [0, 128] right [65536, 128] into 2 at [0, 96] scale 1.000000e+00
// CHECK: llvm.func @linear__product(
// CHECK: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CHECK: nvvm.mma.sync
// F32-LABEL: qfa.gpu_kernel @linear
// F32-NOT: nvvm.mma.sync
// F32: nvvm.cp.async.shared.global
// F32-NOT: nvvm.mma.sync
qfa.kernel @linear {
^bb0(%x: tensor<1x200x64xf32>, %w: !qfa.elastic<96x64, bits = [4], group = 16, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x200x64xf32>, !qfa.elastic<96x64, bits = [4], group = 16, rank = 0, scales = f16> -> tensor<1x200x96xf32>
  qfa.yield %y : tensor<1x200x96xf32>
}

// -----

// Tests that the rows of a panel, of which a large vocabulary has more than 65535, are blocks in x.
// CHECK-LABEL: qfa.gpu_kernel @many_rows pointers 3
// CHECK-NEXT: qfa.gpu_launch @kernels::@many_rows__cast grid [128, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@many_rows__weight grid [130048, 1, 1] block 256 argument 0
qfa.kernel @many_rows {
^bb0(%x: tensor<1x9x600xf32>, %w: tensor<130000x600xf32>):
  %y = qfa.linear %x, %w : tensor<1x9x600xf32>, tensor<130000x600xf32> -> tensor<1x9x130000xf32>
  qfa.yield %y : tensor<1x9x130000xf32>
}

// -----

// Tests that few tokens of an elastic weight are multiplied without a workspace, a block of threads for 32 outputs.
// CHECK-LABEL: qfa.gpu_kernel @decode pointers 3 workspace 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@decode__decode grid [3, 1, 1] block 512 argument 0
// CHECK: scf.index_switch
// CHECK: case 3
// CHECK: nvvm.shfl.sync bfly
// CHECK: case 4
// CHECK: nvvm.shfl.sync bfly
// CHECK-NOT: nvvm.mma.sync
qfa.kernel @decode {
^bb0(%x: tensor<1x2x64xf32>, %w: !qfa.elastic<96x64, bits = [3, 4], group = 16, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x2x64xf32>, !qfa.elastic<96x64, bits = [3, 4], group = 16, rank = 0, scales = f16> -> tensor<1x2x96xf32>
  qfa.yield %y : tensor<1x2x96xf32>
}

// -----

// Tests that the angles of all positions are computed once, for every head and row of the batch.
// CHECK-LABEL: qfa.gpu_kernel @rope pointers 2 workspace 256
// CHECK-NEXT: qfa.gpu_launch @kernels::@rope__angles grid [1, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@rope__pairs grid [4, 1, 1] block 256 argument 0
// CHECK: llvm.func @rope__angles(
// CHECK: arith.truncf {{.*}} : f64 to f32
// CHECK: llvm.func @rope__pairs(
// CHECK-NOT: f64
qfa.kernel @rope {
^bb0(%x: tensor<2x8x64xf32>):
  %y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, scaling = 1.0 : f32} : tensor<2x8x64xf32>
  qfa.yield %y : tensor<2x8x64xf32>
}

// -----

// Tests that a gradient and an adapter's gradient are two products of one launch, and that the addend comes along.
// CHECK-LABEL: qfa.gpu_kernel @linear_grad pointers 5
// CHECK: qfa.gpu_launch @kernels::@linear_grad__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [200, 64, 96] left [0, 128] right [65536, 128] transposed_right into 3 at [0, 64] scale 1.000000e+00 plus 2
// CHECK-NEXT: qfa.gpu_product [200, 8, 96] left [0, 128] right [65664, 128] transposed_right into 4 at [0, 8] scale 1.000000e+00{{$}}
// F32-LABEL: qfa.gpu_kernel @linear_grad pointers 5
// F32: qfa.gpu_product [200, 8, 96] left [0, 128] right [131328, 128] transposed_right into 4
!w = !qfa.elastic<96x64, bits = [4], group = 16, rank = 8, scales = f16>
qfa.kernel @linear_grad {
^bb0(%dy: tensor<1x200x96xf32>, %w: !w, %more: tensor<1x200x64xf32>):
  %dx, %da = qfa.linear_grad %dy, %w plus %more : tensor<1x200x64xf32> : tensor<1x200x96xf32>, !w -> tensor<1x200x64xf32>, tensor<1x200x8xf32>
  qfa.yield %dx, %da : tensor<1x200x64xf32>, tensor<1x200x8xf32>
}

// -----

// Tests that the vocabulary is walked in chunks by the same functions, and that no workspace holds all logits.
// CHECK-LABEL: qfa.gpu_kernel @cross_entropy pointers 6 workspace 2196480
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__cast grid [128, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__weight grid [4096, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__logits grid [64, 1, 1] block 128 argument 0 shared 49152 computes {
// CHECK-NEXT: qfa.gpu_product [4, 4096, 64] left [1024, 128] right [33792, 128] into 6 at [270592, 4096] scale 1.000000e+00
// CHECK: qfa.gpu_launch @kernels::@cross_entropy__softmax grid [128, 1, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__gradient grid [1, 1, 1] block 128 argument 0 shared 49152{{$}}
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__weight grid [4096, 1, 1] block 256 argument 1
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__logits grid [64, 1, 1] block 128 argument 1 shared 49152 computes {
// CHECK-NEXT: qfa.gpu_product [4, 4096, 64] left [1024, 128] right [33792, 128] into 6 at [270592, 4096] scale 1.000000e+00
// CHECK: qfa.gpu_launch @kernels::@cross_entropy__softmax grid [128, 1, 1] block 256 argument 1
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__gradient grid [1, 1, 1] block 128 argument 1 shared 49152{{$}}
// CHECK-NEXT: qfa.gpu_launch @kernels::@cross_entropy__results grid [4, 1, 1] block 256 argument 0
qfa.kernel @cross_entropy {
^bb0(%h: tensor<1x4x64xf32>, %w: tensor<5000x64xf32>, %l: tensor<1x4xi32>):
  %loss, %lse, %dh = qfa.cross_entropy %h, %w, %l : tensor<1x4x64xf32>, tensor<5000x64xf32>, tensor<1x4xi32> -> tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4x64xf32>
  qfa.yield %loss, %lse, %dh : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4x64xf32>
}

// -----

// Tests that many tokens of a small result are cut into parts with blocks of their own, whose sums are added in order.
// CHECK-LABEL: qfa.gpu_kernel @outer pointers 3
// CHECK: qfa.gpu_launch @kernels::@outer__product grid [1, 64, 4] block 128 argument 0 shared 49152{{$}}
// CHECK-NEXT: qfa.gpu_launch @kernels::@outer__sum grid [1024, 1, 1] block 256 argument 0
qfa.kernel @outer {
^bb0(%dy: tensor<1x4096x4096xf32>, %a: tensor<1x4096x64xf32>, %into: !qfa.buffer<4096x64xf32>):
  qfa.accumulate_outer %dy, %a into %into {scale = 0.5 : f32} : tensor<1x4096x4096xf32>, tensor<1x4096x64xf32>, !qfa.buffer<4096x64xf32>
  qfa.yield
}
