// RUN: qfa-interpret %s | FileCheck %s

func.func @main() -> tensor<2x1x2xf32> {
  %x = arith.constant dense<[[[-0.25, 0.5], [-0.25, 0.5], [0.25, 1.0]], [[1.0, 0.5], [0.5, -0.75], [0.5, 0.75]]]> : tensor<2x3x2xf32>
  %index = arith.constant dense<[1]> : tensor<1xi32>
  %y = qfa.select_token %x at %index : tensor<2x3x2xf32>, tensor<1xi32> -> tensor<2x1x2xf32>
  return %y : tensor<2x1x2xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.25, 0.5]], {{\[\[}}0.5, -0.75]]]
