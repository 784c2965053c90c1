// RUN: qfa-interpret %s | FileCheck %s

// Tests gradients with grouped heads, a window and a soft cap.
func.func @main() -> (tensor<1x3x4xf32>, tensor<1x3x2xf32>, tensor<1x3x2xf32>) {
  %q = arith.constant dense<[[[0.0, -0.5, -1.0, 0.75], [-0.75, 0.75, -0.25, 1.0], [-0.25, 0.75, 0.0, -0.5]]]> : tensor<1x3x4xf32>
  %k = arith.constant dense<[[[0.5, 0.25], [0.25, -0.0], [-0.5, 0.25]]]> : tensor<1x3x2xf32>
  %v = arith.constant dense<[[[-0.75, 0.5], [0.25, -0.25], [0.5, -0.5]]]> : tensor<1x3x2xf32>
  %dy = arith.constant dense<[[[0.0, -0.0, -0.5, -0.0], [0.75, -0.5, 0.5, -0.5], [-0.5, -0.25, -0.75, 0.75]]]> : tensor<1x3x4xf32>
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 2 : i64, softcap = 0.5 : f32} : tensor<1x3x4xf32>, tensor<1x3x2xf32> -> tensor<1x4x3xf32>
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %v, %y, %lse, %dy {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 2 : i64, softcap = 0.5 : f32} : tensor<1x3x4xf32>, tensor<1x3x2xf32>, tensor<1x4x3xf32>
  return %dq, %dk, %dv : tensor<1x3x4xf32>, tensor<1x3x2xf32>, tensor<1x3x2xf32>
}

// CHECK: main 0: {{\[\[\[}}0, 0, 0, 0], [-0.0181888, 0.0121259, 0.0116703, -0.0109746], [0.0115575, 0.00519409, 0.00585938, -0.0057632]]]
// CHECK: main 1: {{\[\[\[}}0.101947, -0.0555687], [-0.111279, 0.0467082], [-0.00117624, 0.0115264]]]
// CHECK: main 2: {{\[\[\[}}0.0979818, -0.519189], [-0.228204, 0.0308435], [-0.369778, -0.0116543]]]
