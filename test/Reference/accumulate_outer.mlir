// RUN: qfa-interpret %s --print-states | FileCheck %s

// Tests that sums over all tokens add up in the buffer.
qfa.state gradient @g : !qfa.buffer<2x3xf32>

func.func @main() {
  %l = arith.constant dense<[[[0.25, 0.75], [-0.25, -0.25]], [[-0.25, 0.25], [0.5, 1.0]]]> : tensor<2x2x2xf32>
  %r = arith.constant dense<[[[-0.25, 0.5, -0.25], [0.75, -0.5, 0.75]], [[0.0, 0.5, 0.0], [-0.25, -0.0, -1.0]]]> : tensor<2x2x3xf32>
  %g = qfa.state_ref @g : !qfa.buffer<2x3xf32>
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<2x2x2xf32>, tensor<2x2x3xf32>, !qfa.buffer<2x3xf32>
  qfa.accumulate_outer %l, %r into %g {scale = 0.5 : f32} : tensor<2x2x2xf32>, tensor<2x2x3xf32>, !qfa.buffer<2x3xf32>
  return
}

// CHECK: state g: {{\[\[}}-0.5625, 0.1875, -1.125], [-0.9375, 0.9375, -2.0625]]
