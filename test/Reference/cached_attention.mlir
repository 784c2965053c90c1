// RUN: qfa-interpret %s --print-states | FileCheck %s

// Tests that two tokens and then one give what attention gives for three, and what the caches hold then.
qfa.state cache @keys : !qfa.buffer<4x2xf32>
qfa.state cache @values : !qfa.buffer<4x2xf32>

func.func @main() -> (tensor<1x2x4xf32>, tensor<1x1x4xf32>) {
  %q0 = arith.constant dense<[[[0.0, -0.5, -1.0, 0.75], [-0.75, 0.75, -0.25, 1.0]]]> : tensor<1x2x4xf32>
  %k0 = arith.constant dense<[[[0.5, 0.25], [0.25, -0.0]]]> : tensor<1x2x2xf32>
  %v0 = arith.constant dense<[[[-0.75, 0.5], [0.25, -0.25]]]> : tensor<1x2x2xf32>
  %q1 = arith.constant dense<[[[-0.25, 0.75, 0.0, -0.5]]]> : tensor<1x1x4xf32>
  %k1 = arith.constant dense<[[[-0.5, 0.25]]]> : tensor<1x1x2xf32>
  %v1 = arith.constant dense<[[[0.5, -0.5]]]> : tensor<1x1x2xf32>
  %zero = arith.constant dense<[0]> : tensor<1xi32>
  %two = arith.constant dense<[2]> : tensor<1xi32>
  %keys = qfa.state_ref @keys : !qfa.buffer<4x2xf32>
  %values = qfa.state_ref @values : !qfa.buffer<4x2xf32>
  %y0 = qfa.cached_attention %q0, %k0, %v0, %zero, %keys, %values {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 2 : i64}
      : tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<1xi32>, !qfa.buffer<4x2xf32>
  %y1 = qfa.cached_attention %q1, %k1, %v1, %two, %keys, %values {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 2 : i64}
      : tensor<1x1x4xf32>, tensor<1x1x2xf32>, tensor<1xi32>, !qfa.buffer<4x2xf32>
  return %y0, %y1 : tensor<1x2x4xf32>, tensor<1x1x4xf32>
}

// CHECK: main 0: {{\[\[\[}}-0.75, -0.75, 0.5, 0.5], [-0.22658, -0.27342, 0.119141, 0.148407]]]
// CHECK: main 1: {{\[\[\[}}0.380855, 0.357537, -0.375, -0.371095]]]
// CHECK: state keys: {{\[\[}}0.5, 0.25], [0.25, 0], [-0.5, 0.25], [0, 0]]
// CHECK: state values: {{\[\[}}-0.75, 0.5], [0.25, -0.25], [0.5, -0.5], [0, 0]]
