// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @linear_grad
func.func @linear_grad(%dy: tensor<2x8x32xf32>, %w: tensor<32x16xf32>) {
  // CHECK: %{{.*}} = qfa.linear_grad %{{.*}}, %{{.*}} : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  %dx = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  return
}

// CHECK-LABEL: func.func @adapter_and_addend
func.func @adapter_and_addend(%dy: tensor<2x8x32xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, %a: tensor<2x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.linear_grad %{{.*}}, %{{.*}} plus %{{.*}} : tensor<2x8x16xf32> : tensor<2x8x32xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x16xf32>, tensor<2x8x4xf32>
  %dx, %dxa = qfa.linear_grad %dy, %w plus %a : tensor<2x8x16xf32> : tensor<2x8x32xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x16xf32>, tensor<2x8x4xf32>
  return
}
