// RUN: qfa-interpret %s | FileCheck %s

// Tests the product with the transpose of the weight.
func.func @main() -> tensor<1x2x2xf32> {
  %x = arith.constant dense<[[[-0.25, -1.0, -1.0], [1.0, 0.25, -0.5]]]> : tensor<1x2x3xf32>
  %w = arith.constant dense<[[-0.25, 1.0, 0.75], [0.75, -0.25, -0.0]]> : tensor<2x3xf32>
  %y = qfa.linear %x, %w : tensor<1x2x3xf32>, tensor<2x3xf32> -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}

// CHECK: main 0: {{\[\[\[}}-1.6875, 0.0625], [-0.375, 0.6875]]]
