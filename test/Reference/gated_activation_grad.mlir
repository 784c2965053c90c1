// RUN: qfa-interpret %s | FileCheck %s

// Tests the derivatives of gate and up of each kind.
func.func @main() -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %gate = arith.constant dense<[[[-2.0, -0.5, 0.0, 1.0, 3.0]]]> : tensor<1x1x5xf32>
  %up = arith.constant dense<[[[1.0, 2.0, 3.0, -1.0, 0.5]]]> : tensor<1x1x5xf32>
  %dy = arith.constant dense<[[[1.0, -1.0, 0.5, 2.0, 1.0]]]> : tensor<1x1x5xf32>
  %silu_gate, %silu_up = qfa.gated_activation_grad silu %gate, %up, %dy : tensor<1x1x5xf32>
  %gelu_gate, %gelu_up = qfa.gated_activation_grad gelu %gate, %up, %dy : tensor<1x1x5xf32>
  %gelu_tanh_gate, %gelu_tanh_up = qfa.gated_activation_grad gelu_tanh %gate, %up, %dy : tensor<1x1x5xf32>
  return %silu_gate, %silu_up, %gelu_gate, %gelu_up, %gelu_tanh_gate, %gelu_tanh_up : tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>, tensor<1x1x5xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.0907842, -0.520078, 0.75, -1.85534, 0.544052]]]
// CHECK: main 1: {{\[\[\[}}-0.238406, 0.18877, 0, 1.46212, 2.85772]]]
// CHECK: main 2: {{\[\[\[}}-0.0852318, -0.26501, 0.75, -2.16663, 0.505973]]]
// CHECK: main 3: {{\[\[\[}}-0.0455003, 0.154269, 0, 1.68269, 2.99595]]]
// CHECK: main 4: {{\[\[\[}}-0.0860993, -0.26526, 0.75, -2.16593, 0.505792]]]
// CHECK: main 5: {{\[\[\[}}-0.0454023, 0.154286, 0, 1.68238, 2.99636]]]
