// RUN: qfa-interpret %s | FileCheck %s

// Tests that rows are taken in the order of the identifiers, one of them twice.
func.func @main() -> tensor<1x3x2xf32> {
  %ids = arith.constant dense<[[2, 0, 2]]> : tensor<1x3xi32>
  %table = arith.constant dense<[[0.5, 0.5], [0.0, -0.5], [-1.0, -0.25]]> : tensor<3x2xf32>
  %x = qfa.embedding %ids, %table : tensor<1x3xi32>, tensor<3x2xf32> -> tensor<1x3x2xf32>
  return %x : tensor<1x3x2xf32>
}

// CHECK: main 0: {{\[\[\[}}-1, -0.25], [0.5, 0.5], [-1, -0.25]]]
