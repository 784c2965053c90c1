// RUN: %python %S/Inputs/write_safetensors.py %t "p=[1, -2]"
// RUN: qfa-interpret %s --weights %t --print-states | FileCheck %s

// Tests two steps with bias correction, weight decay and a gradient scale, and the sum of squares of all gradients.
qfa.parameter @p : tensor<2xf32> {storage = f32}
qfa.state gradient @g : !qfa.buffer<2xf32>
qfa.trainable @t of @p role "value" gradient @g : !qfa.trainable<2xf32>

func.func @main() -> tensor<1xf32> {
  %t = qfa.trainable_ref @t : !qfa.trainable<2xf32>
  %g = qfa.state_ref @g : !qfa.buffer<2xf32>
  %hyper = arith.constant dense<[0.1, 0.9, 0.99, 1.0e-08, 0.01, 0.0, 0.5, 0.0]> : tensor<8xf32>
  %dy = arith.constant dense<[[[0.5, 4.0]]]> : tensor<1x1x2xf32>
  %one = arith.constant dense<[[[1.0, 1.0]]]> : tensor<1x1x2xf32>
  qfa.rms_norm_gain_grad %one, %dy into %g {epsilon = 0.0 : f32} : tensor<1x1x2xf32>, !qfa.buffer<2xf32>
  qfa.adamw %t, %g, %hyper : !qfa.trainable<2xf32>, !qfa.buffer<2xf32>, tensor<8xf32>
  qfa.rms_norm_gain_grad %one, %dy into %g {epsilon = 0.0 : f32} : tensor<1x1x2xf32>, !qfa.buffer<2xf32>
  qfa.adamw %t, %g, %hyper : !qfa.trainable<2xf32>, !qfa.buffer<2xf32>, tensor<8xf32>
  %all = qfa.state_all gradient : !qfa.buffer<2xf32>
  %n = qfa.gradient_norm %all : !qfa.buffer<2xf32> -> tensor<1xf32>
  return %n : tensor<1xf32>
}

// CHECK: main 0: [65]
// CHECK: state g: [1, 8]
// CHECK: trainable t after 2 steps: [0.801714, -2.19229]
