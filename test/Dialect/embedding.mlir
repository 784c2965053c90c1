// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @embedding
func.func @embedding(%ids: tensor<2x8xi32>, %table: tensor<32x16xf32>) {
  // CHECK: %{{.*}} = qfa.embedding %{{.*}}, %{{.*}} : tensor<2x8xi32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  %x = qfa.embedding %ids, %table : tensor<2x8xi32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  return
}

// CHECK-LABEL: func.func @elastic_and_dynamic
func.func @elastic_and_dynamic(%ids: tensor<?x?xi32>, %table: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // CHECK: %{{.*}} = qfa.embedding %{{.*}}, %{{.*}} : tensor<?x?xi32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x16xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x16xf32>
  return
}
