// RUN: qfa-interpret %s | FileCheck %s

func.func @main() -> tensor<1x2x2xf32> {
  %x = arith.constant dense<[[[-0.25, 0.0, -0.0, 1.0], [-0.25, -0.25, -1.0, -0.25]]]> : tensor<1x2x4xf32>
  %u = qfa.group_pool %x {group = 2 : i64} : tensor<1x2x4xf32> -> tensor<1x2x2xf32>
  return %u : tensor<1x2x2xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.25, 1], [-0.5, -1.25]]]
