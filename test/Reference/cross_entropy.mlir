// RUN: qfa-interpret %s --print-states | FileCheck %s

// Tests losses, of which the token without a label has none, and the gradients of h and of the head.
qfa.state gradient @g : !qfa.buffer<4x2xf32>

func.func @main() -> (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3x2xf32>) {
  %h = arith.constant dense<[[[-0.0, -1.0], [-1.0, -0.5], [-0.25, 0.75]]]> : tensor<1x3x2xf32>
  %w = arith.constant dense<[[0.75, -0.0], [-0.0, 0.25], [0.75, -0.25], [0.5, -0.25]]> : tensor<4x2xf32>
  %labels = arith.constant dense<[[3, -100, 0]]> : tensor<1x3xi32>
  %loss, %lse, %dh = qfa.cross_entropy %h, %w, %labels : tensor<1x3x2xf32>, tensor<4x2xf32>, tensor<1x3xi32> -> tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3x2xf32>
  %g = qfa.state_ref @g : !qfa.buffer<4x2xf32>
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<1x3x2xf32>, tensor<4x2xf32>, tensor<1x3xi32>, tensor<1x3xf32>, !qfa.buffer<4x2xf32>
  return %loss, %lse, %dh : tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3x2xf32>
}

// CHECK: main 0: {{\[\[}}1.21945, 0, 1.42708]]
// CHECK: main 1: {{\[\[}}1.46945, 0.946787, 1.23958]]
// CHECK: main 2: {{\[\[\[}}0.0417787, 0.147095], [0, 0], [-0.31486, -0.0153926]]]
// CHECK: state g: {{\[\[}}0.189998, -0.800045], [-0.0873026, 0.0827435], [-0.0497435, -0.146161], [-0.0529517, 0.863463]]
