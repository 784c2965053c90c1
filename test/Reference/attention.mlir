// RUN: qfa-interpret %s | FileCheck %s

// Tests two query heads per key head; a window of two keys; a soft cap.
func.func @main() -> (tensor<1x3x4xf32>, tensor<1x4x3xf32>, tensor<1x3x4xf32>, tensor<1x4x3xf32>, tensor<1x3x4xf32>, tensor<1x4x3xf32>) {
  %q = arith.constant dense<[[[0.0, -0.5, -1.0, 0.75], [-0.75, 0.75, -0.25, 1.0], [-0.25, 0.75, 0.0, -0.5]]]> : tensor<1x3x4xf32>
  %k = arith.constant dense<[[[0.5, 0.25], [0.25, -0.0], [-0.5, 0.25]]]> : tensor<1x3x2xf32>
  %v = arith.constant dense<[[[-0.75, 0.5], [0.25, -0.25], [0.5, -0.5]]]> : tensor<1x3x2xf32>
  %a, %la = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x3x4xf32>, tensor<1x3x2xf32> -> tensor<1x4x3xf32>
  %b, %lb = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 2 : i64} : tensor<1x3x4xf32>, tensor<1x3x2xf32> -> tensor<1x4x3xf32>
  %c, %lc = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, softcap = 0.25 : f32} : tensor<1x3x4xf32>, tensor<1x3x2xf32> -> tensor<1x4x3xf32>
  return %a, %la, %b, %lb, %c, %lc : tensor<1x3x4xf32>, tensor<1x4x3xf32>, tensor<1x3x4xf32>, tensor<1x4x3xf32>, tensor<1x3x4xf32>, tensor<1x4x3xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.75, -0.75, 0.5, 0.5], [-0.22658, -0.27342, 0.119141, 0.148407], [0.0235427, -0.0687997, -0.0833333, -0.086841]]]
// CHECK: main 1: {{\[\[\[}}0, 0.55362, 1.08962], [-0.125, 0.83487, 1.14216], [-0.125, 0.677644, 1.09861], [0.09375, 0.757599, 1.05738]]]
// CHECK: main 2: {{\[\[\[}}-0.75, -0.75, 0.5, 0.5], [-0.22658, -0.27342, 0.119141, 0.148407], [0.380855, 0.357537, -0.375, -0.371095]]]
// CHECK: main 3: {{\[\[\[}}0, 0.55362, 0.70987], [-0.125, 0.83487, 0.656127], [-0.125, 0.677644, 0.693147], [0.09375, 0.757599, 0.662385]]]
// CHECK: main 4: {{\[\[\[}}-0.75, -0.75, 0.5, 0.5], [-0.232707, -0.267293, 0.119171, 0.146638], [0.0230274, -0.0574052, -0.0833333, -0.086769]]]
// CHECK: main 5: {{\[\[\[}}0, 0.569557, 1.08962], [-0.115529, 0.817934, 1.13751], [-0.115529, 0.677724, 1.09861], [0.0895893, 0.752579, 1.05821]]]
