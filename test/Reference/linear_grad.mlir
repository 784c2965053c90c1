// RUN: qfa-interpret %s | FileCheck %s

func.func @main() -> tensor<1x2x2xf32> {
  %dy = arith.constant dense<[[[0.25, 0.5, 0.0], [0.5, 0.5, -1.0]]]> : tensor<1x2x3xf32>
  %w = arith.constant dense<[[-1.0, -0.75], [-0.5, -0.5], [-1.0, -0.5]]> : tensor<3x2xf32>
  %dx = qfa.linear_grad %dy, %w : tensor<1x2x3xf32>, tensor<3x2xf32> -> tensor<1x2x2xf32>
  return %dx : tensor<1x2x2xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.5, -0.4375], [0.25, -0.125]]]
