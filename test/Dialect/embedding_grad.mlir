// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @embedding_grad
func.func @embedding_grad(%ids: tensor<2x8xi32>, %dy: tensor<2x8x16xf32>, %g: !qfa.buffer<32x16xf32>) {
  // CHECK: qfa.embedding_grad %{{.*}}, %{{.*}} into %{{.*}} : tensor<2x8xi32>, tensor<2x8x16xf32>, <32x16xf32>
  qfa.embedding_grad %ids, %dy into %g : tensor<2x8xi32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>
  return
}
