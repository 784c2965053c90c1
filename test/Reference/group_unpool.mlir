// RUN: qfa-interpret %s | FileCheck %s

// Tests repetition, without and with an addend.
func.func @main() -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %u = arith.constant dense<[[[0.25, 0.75], [0.75, -0.25]]]> : tensor<1x2x2xf32>
  %a = arith.constant dense<[[[-0.25, 0.0, -0.0, 1.0], [-0.25, -0.25, -1.0, -0.25]]]> : tensor<1x2x4xf32>
  %x = qfa.group_unpool %u {group = 2 : i64} : tensor<1x2x2xf32> -> tensor<1x2x4xf32>
  %y = qfa.group_unpool %u plus %a : tensor<1x2x4xf32> {group = 2 : i64} : tensor<1x2x2xf32> -> tensor<1x2x4xf32>
  return %x, %y : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// CHECK: main 0: {{\[\[\[}}0.25, 0.25, 0.75, 0.75], [0.75, 0.75, -0.25, -0.25]]]
// CHECK: main 1: {{\[\[\[}}0, 0.25, 0.75, 1.75], [0.5, 0.5, -1.25, -0.5]]]
