// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @cross_entropy_weight_grad
func.func @cross_entropy_weight_grad(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>, %lse: tensor<2x8xf32>, %g: !qfa.buffer<32x16xf32>) {
  // CHECK: qfa.cross_entropy_weight_grad %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}} : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32>, tensor<2x8xf32>, <32x16xf32>
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32>, tensor<2x8xf32>, !qfa.buffer<32x16xf32>
  return
}
