// A product's main loop, as the emulator sees its accesses to memory.
// RUN: qfa-opt %s --qfa-lower-to-gpu="emit=nvvm" -o %t.nvvm
// RUN: sed -n '/^  gpu.module/,/^  }/p' %t.nvvm | sed '1s/.*/module {/' | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: qfa-gpu-emulate %t.ll --kernel linear__product --grid 1 --block 128 --arg buffer:f32:270336 --arg buffer:f32:16 --arg buffer:f32:1802240 --arg buffer:bf16:516096:random --arg i64:0 --mem 2> %t.linear
// RUN: qfa-gpu-emulate %t.ll --kernel grad__product --grid 1 --block 128 --arg buffer:f32:180224 --arg buffer:f32:16 --arg buffer:f32:1802240 --arg buffer:bf16:344064:random --arg i64:0 --mem 2> %t.grad

// Tests that fragments of factors as stored and transposed are read without a bank conflict, and copies of tiles are
// whole sectors.
// RUN: cat %t.linear %t.grad | FileCheck %s
// CHECK: cp.async
// CHECK: ldmatrix
// CHECK: ldmatrix{{.*}}trans
// RUN: cat %t.linear %t.grad | grep -E 'shared|cp.async' | not grep -v '(1.00x)'

qfa.kernel @linear {
^bb0(%x: tensor<1x1408x192xf32>, %w: !qfa.elastic<1280x192, bits = [4], group = 64, rank = 0, scales = f32>):
  %y = qfa.linear %x, %w : tensor<1x1408x192xf32>, !qfa.elastic<1280x192, bits = [4], group = 64, rank = 0, scales = f32> -> tensor<1x1408x1280xf32>
  qfa.yield %y : tensor<1x1408x1280xf32>
}
qfa.kernel @grad {
^bb0(%dy: tensor<1x1408x128xf32>, %w: !qfa.elastic<128x1280, bits = [4], group = 64, rank = 0, scales = f32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x1408x128xf32>, !qfa.elastic<128x1280, bits = [4], group = 64, rank = 0, scales = f32> -> tensor<1x1408x1280xf32>
  qfa.yield %dx : tensor<1x1408x1280xf32>
}
