// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @cross_entropy
func.func @cross_entropy(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>) {
  // CHECK: %{{.*}} = qfa.cross_entropy %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>
  return
}

// CHECK-LABEL: func.func @gradient
func.func @gradient(%h: tensor<2x8x16xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, %labels: tensor<2x8xi32>) {
  // CHECK: %{{.*}} = qfa.cross_entropy %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x16xf32>
  %loss, %lse, %dh = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x16xf32>
  return
}
