// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK: qfa.kernel @add_2x8x16 {
qfa.kernel @add_2x8x16 {
^bb0(%a: tensor<2x8x16xf32>, %b: tensor<2x8x16xf32>):
  %c = arith.addf %a, %b : tensor<2x8x16xf32>
  qfa.yield %c : tensor<2x8x16xf32>
}
