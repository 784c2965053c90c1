// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=avx2" | FileCheck %s

// Tests that kernels which work token by token have tiles of 16 tokens and loops over registers with a scalar rest.

// CHECK: llvm.mlir.global internal constant @rope_constants(dense<[1.000000e+00, 1.000000e-02]> : tensor<2xf64>)

// CHECK-LABEL: func.func @norm
// CHECK-SAME: qfa.tiles = 3 : i64
// CHECK: math.sqrt
// CHECK: llvm.load {{.*}} -> vector<8xf32>
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: llvm.store {{.*}} : f32
qfa.kernel @norm {
^bb0(%x: tensor<2x20x36xf32>, %gain: tensor<36xf32>):
  %y = qfa.rms_norm %x, %gain {epsilon = 1.0e-05 : f32} : tensor<2x20x36xf32>, tensor<36xf32>
  qfa.yield %y : tensor<2x20x36xf32>
}

// Tests that a sum over tokens has tiles of 64 columns: each buffer element has one owner.
// CHECK-LABEL: func.func @gain
// CHECK-SAME: qfa.tiles = 3 : i64
qfa.kernel @gain {
^bb0(%x: tensor<2x20x144xf32>, %dy: tensor<2x20x144xf32>, %g: !qfa.buffer<144xf32>):
  qfa.rms_norm_gain_grad %x, %dy into %g {epsilon = 1.0e-05 : f32} : tensor<2x20x144xf32>, !qfa.buffer<144xf32>
  qfa.yield
}

// Tests that angles are computed in f64, once per token and before its heads.
// CHECK-LABEL: func.func @rope
// CHECK: llvm.mlir.addressof @rope_constants
// CHECK: arith.sitofp {{.*}} : i64 to f64
// CHECK: arith.truncf {{.*}} : vector<8xf64> to vector<8xf32>
qfa.kernel @rope {
^bb0(%x: tensor<1x8x16xf32>, %position: tensor<1xi32>):
  %y = qfa.rope %x at %position : tensor<1xi32>
      {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, scaling = 1.0 : f32}
      : tensor<1x8x16xf32>
  qfa.yield %y : tensor<1x8x16xf32>
}

// Tests that an elastic table is read a row at a time under the width in force.
// CHECK-LABEL: func.func @table
// CHECK: scf.index_switch
// CHECK: call @dequantize_row_b2
// CHECK: call @dequantize_row_b8
qfa.kernel @table {
^bb0(%ids: tensor<1x4xi32>, %w: !qfa.elastic<32x16, bits = [2, 8], group = 8, rank = 0, scales = f32>):
  %y = qfa.embedding %ids, %w
      : tensor<1x4xi32>, !qfa.elastic<32x16, bits = [2, 8], group = 8, rank = 0, scales = f32> -> tensor<1x4x16xf32>
  qfa.yield %y : tensor<1x4x16xf32>
}
