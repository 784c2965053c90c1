// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.kernel @add_2x8x16 {
^bb0(%a: tensor<2x8x16xf32>, %b: tensor<2x8x16xf32>):
  %c = arith.addf %a, %b : tensor<2x8x16xf32>
  qfa.yield %c : tensor<2x8x16xf32>
}

// CHECK-LABEL: func.func @launch
func.func @launch(%a: tensor<2x8x16xf32>, %b: tensor<2x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.launch @add_2x8x16(%{{.*}}, %{{.*}}) {offsets = array<i64: 0>} : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %c = qfa.launch @add_2x8x16(%a, %b) {offsets = array<i64: 0>} : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  // CHECK: %{{.*}} = qfa.launch @add_2x8x16(%{{.*}}, %{{.*}}) : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %d = qfa.launch @add_2x8x16(%c, %b) : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return
}
