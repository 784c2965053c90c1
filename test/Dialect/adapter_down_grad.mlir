// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @adapter_down_grad
func.func @adapter_down_grad(%dy: tensor<2x8x4xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // CHECK: %{{.*}} = qfa.adapter_down_grad %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f32} : tensor<2x8x4xf32>, <32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x2xf32>
  %du = qfa.adapter_down_grad %dy, %w {scale = 0.5 : f32} : tensor<2x8x4xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x2xf32>
  return
}
