// RUN: qfa-interpret %s | FileCheck %s

// Tests tokens whose mean squares are 6.25 and 1.
func.func @main() -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %x = arith.constant dense<[[[3.0, 4.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]]> : tensor<1x2x4xf32>
  %gain = arith.constant dense<[1.0, 2.0, 1.0, 1.0]> : tensor<4xf32>
  %y = qfa.rms_norm %x, %gain {epsilon = 0.0 : f32} : tensor<1x2x4xf32>, tensor<4xf32>
  %z = qfa.rms_norm %x, %gain {epsilon = 3.0 : f32} : tensor<1x2x4xf32>, tensor<4xf32>
  return %y, %z : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// CHECK: main 0: {{\[\[\[}}1.2, 3.2, 0, 0], [1, 2, 1, 1]]]
// CHECK: main 1: {{\[\[\[}}0.986394, 2.63038, 0, 0], [0.5, 1, 0.5, 0.5]]]
