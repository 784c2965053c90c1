// RUN: qfa-interpret %s --print-states | FileCheck %s

// Tests the gradients of x, without and with an addend, and of the gain.
qfa.state gradient @g : !qfa.buffer<4xf32>

func.func @main() -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %x = arith.constant dense<[[[-1.0, 0.0, -0.0, 0.75], [-1.0, 0.0, -0.0, 0.25]]]> : tensor<1x2x4xf32>
  %gain = arith.constant dense<[2.0, 1.5, 1.75, 1.5]> : tensor<4xf32>
  %dy = arith.constant dense<[[[0.25, -0.5, 0.0, 0.25], [-0.5, 1.0, 0.5, 1.0]]]> : tensor<1x2x4xf32>
  %a = arith.constant dense<[[[-0.5, -0.0, -0.5, -1.0], [-1.0, -0.5, 0.75, -0.75]]]> : tensor<1x2x4xf32>
  %dx = qfa.rms_norm_grad %x, %gain, %dy {epsilon = 0.25 : f32} : tensor<1x2x4xf32>, tensor<4xf32>
  %sum = qfa.rms_norm_grad %x, %gain, %dy plus %a : tensor<1x2x4xf32> {epsilon = 0.25 : f32} : tensor<1x2x4xf32>, tensor<4xf32>
  %g = qfa.state_ref @g : !qfa.buffer<4xf32>
  qfa.rms_norm_gain_grad %x, %dy into %g {epsilon = 0.25 : f32} : tensor<1x2x4xf32>, !qfa.buffer<4xf32>
  return %dx, %sum : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// CHECK: main 0: {{\[\[\[}}0.51804, -0.937043, 0, 0.548513], [-0.464207, 2.08893, 1.21854, 1.85683]]]
// CHECK: main 1: {{\[\[\[}}0.0180398, -0.937043, -0.5, -0.451487], [-1.46421, 1.58893, 1.96854, 1.10683]]]
// CHECK: state g: [0.383963, 0, 0, 0.582416]
