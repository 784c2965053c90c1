// RUN: qfa-interpret %s | FileCheck %s

// Tests each kind, at zero too.
func.func @main() -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %gate = arith.constant dense<[[[-2.0, -0.5, 0.0, 1.0, 3.0]]]> : tensor<1x1x5xf32>
  %up = arith.constant dense<[[[1.0, 2.0, 3.0, -1.0, 0.5]]]> : tensor<1x1x5xf32>
  %silu = qfa.gated_activation silu %gate, %up : tensor<1x1x5xf32>
  %gelu = qfa.gated_activation gelu %gate, %up : tensor<1x1x5xf32>
  %gelu_tanh = qfa.gated_activation gelu_tanh %gate, %up : tensor<1x1x5xf32>
  return %silu, %gelu, %gelu_tanh : tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.238406, -0.377541, 0, -0.731059, 1.42886]]]
// CHECK: main 1: {{\[\[\[}}-0.0455003, -0.308538, 0, -0.841345, 1.49798]]]
// CHECK: main 2: {{\[\[\[}}-0.0454023, -0.308572, 0, -0.841192, 1.49818]]]
