// RUN: qfa-opt --qfa-onnx-raise --split-input-file %s | FileCheck %s

// Tests scaled-dot-product attention as torch dynamo decomposes it: grouped keys and values expanded, keys transposed at
// rank 3, queries and keys each scaled by a root, a mask of summands, a guard after the softmax.
// CHECK-LABEL: func.func @decomposed
// CHECK-SAME:  (%[[Q:.*]]: tensor<?x?x16xf32>, %[[K:.*]]: tensor<?x?x8xf32>, %[[V:.*]]: tensor<?x?x8xf32>)
func.func @decomposed(%arg0: tensor<?x?x16xf32>, %arg1: tensor<?x?x8xf32>, %arg2: tensor<?x?x8xf32>) -> tensor<?x?x16xf32> {
  %q_in = onnx.from_tensor %arg0 : tensor<?x?x16xf32>
  %k_in = onnx.from_tensor %arg1 : tensor<?x?x8xf32>
  %v_in = onnx.from_tensor %arg2 : tensor<?x?x8xf32>
  %split = onnx.shape ["B", "S", "-1", "4"]
  %groups = onnx.shape ["B", "2", "2", "S", "4"]
  %heads = onnx.shape ["B", "4", "S", "4"]
  %flat = onnx.shape ["-1", "S", "4"]
  %back = onnx.shape ["B", "4", "4", "S"]
  %join = onnx.shape ["B", "S", "-1"]
  %group_axis = onnx.constant dense<2> : tensor<1xi64>
  %root = onnx.constant dense<0.5> : tensor<f32>

  %q0 = onnx.node "Reshape"(%q_in, %split)
  %q1 = onnx.node "Transpose"(%q0) {perm = array<i64: 0, 2, 1, 3>}
  %q = onnx.node "Mul"(%q1, %root)
  %k0 = onnx.node "Reshape"(%k_in, %split)
  %k1 = onnx.node "Transpose"(%k0) {perm = array<i64: 0, 2, 1, 3>}
  %k2 = onnx.node "Unsqueeze"(%k1, %group_axis)
  %k3 = onnx.node "Expand"(%k2, %groups)
  %k4 = onnx.node "Reshape"(%k3, %heads)
  %k5 = onnx.node "Reshape"(%k4, %flat)
  %k6 = onnx.node "Transpose"(%k5) {perm = array<i64: 0, 2, 1>}
  %k7 = onnx.node "Reshape"(%k6, %back)
  %k = onnx.node "Mul"(%root, %k7)
  %v0 = onnx.node "Reshape"(%v_in, %split)
  %v1 = onnx.node "Transpose"(%v0) {perm = array<i64: 0, 2, 1, 3>}
  %v2 = onnx.node "Unsqueeze"(%v1, %group_axis)
  %v3 = onnx.node "Expand"(%v2, %groups)
  %v = onnx.node "Reshape"(%v3, %heads)

  %square = onnx.shape ["S", "S"]
  %ones = onnx.node "ConstantOfShape"(%square) {value = dense<true> : tensor<1xi1>}
  %seen = onnx.node "Trilu"(%ones) {upper = 0 : i64}
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %least = onnx.constant dense<-3.4028234663852886e+38> : tensor<f32>
  %mask = onnx.node "Where"(%seen, %zero, %least)

  %scores = onnx.node "MatMul"(%q, %k)
  %masked = onnx.node "Add"(%scores, %mask)
  %p = onnx.node "Softmax"(%masked) {axis = -1 : i64}
  %nan = onnx.node "IsNaN"(%p)
  %guarded = onnx.node "Where"(%nan, %zero, %p)
  // CHECK-NEXT: %[[Y:.*]], %{{.*}} = qfa.attention %[[Q]], %[[K]], %[[V]] {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 2.500000e-01 : f32}
  // CHECK-SAME: tensor<?x?x16xf32>, tensor<?x?x8xf32> -> tensor<?x4x?xf32>
  %o = onnx.node "MatMul"(%guarded, %v)
  %o1 = onnx.node "Transpose"(%o) {perm = array<i64: 0, 2, 1, 3>}
  %o2 = onnx.node "Reshape"(%o1, %join)
  // CHECK-NEXT: return %[[Y]]
  %r = onnx.to_tensor %o2 : tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// -----

// Tests the native operator with a sliding window of 2 in a mask of booleans and a soft cap; the scale has its default.
// CHECK-LABEL: func.func @native
func.func @native(%arg0: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x16xf32>
  %split = onnx.shape ["B", "S", "4", "4"]
  %join = onnx.shape ["B", "S", "-1"]
  %0 = onnx.node "Reshape"(%x, %split)
  %q = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %length = onnx.shape scalar ["S"]
  %j = onnx.node "Range"(%zero, %length, %one)
  %i = onnx.node "Unsqueeze"(%j, %axis)
  %causal = onnx.node "LessOrEqual"(%j, %i)
  %width = onnx.constant dense<2> : tensor<i64>
  %oldest = onnx.node "Sub"(%i, %width)
  %recent = onnx.node "Greater"(%j, %oldest)
  %mask = onnx.node "And"(%causal, %recent)
  // CHECK: qfa.attention %{{.*}}, %{{.*}}, %{{.*}} {num_heads = 4 : i64, num_kv_heads = 4 : i64, scale = 5.000000e-01 : f32, softcap = 5.000000e+01 : f32, window = 2 : i64}
  %1 = onnx.node "Attention"(%q, %q, %q, %mask) {softcap = 50.0 : f32}
  %2 = onnx.node "Transpose"(%1) {perm = array<i64: 0, 2, 1, 3>}
  %3 = onnx.node "Reshape"(%2, %join)
  %r = onnx.to_tensor %3 : tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// -----

// Tests that a window far wider than the shapes on which masks are evaluated is found.
// CHECK-LABEL: func.func @wide_window
func.func @wide_window(%arg0: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x16xf32>
  %split = onnx.shape ["B", "S", "4", "4"]
  %join = onnx.shape ["B", "S", "-1"]
  %0 = onnx.node "Reshape"(%x, %split)
  %q = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %length = onnx.shape scalar ["S"]
  %j = onnx.node "Range"(%zero, %length, %one)
  %i = onnx.node "Unsqueeze"(%j, %axis)
  %distance = onnx.node "Sub"(%i, %j)
  %causal = onnx.node "GreaterOrEqual"(%distance, %zero)
  %width = onnx.constant dense<4096> : tensor<i64>
  %recent = onnx.node "LessOrEqual"(%distance, %width)
  %mask = onnx.node "And"(%causal, %recent)
  // CHECK: qfa.attention {{.*}} window = 4097 : i64
  %1 = onnx.node "Attention"(%q, %q, %q, %mask)
  %2 = onnx.node "Transpose"(%1) {perm = array<i64: 0, 2, 1, 3>}
  %3 = onnx.node "Reshape"(%2, %join)
  %r = onnx.to_tensor %3 : tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// -----

// Tests that the length of a table which a mask is cut out of is not taken for a window.
// CHECK-LABEL: func.func @cut_out
func.func @cut_out(%arg0: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x16xf32>
  %split = onnx.shape ["B", "S", "4", "4"]
  %join = onnx.shape ["B", "S", "-1"]
  %0 = onnx.node "Reshape"(%x, %split)
  %q = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
  %start = onnx.constant dense<0> : tensor<1xi64>
  %longest = onnx.constant dense<1024> : tensor<1xi64>
  %both = onnx.shape ["0", "1"]
  %end = onnx.node "Concat"(%longest, %longest) {axis = 0 : i64}
  %square = onnx.shape ["S", "S"]
  %ones = onnx.node "ConstantOfShape"(%square) {value = dense<true> : tensor<1xi1>}
  %table = onnx.node "Trilu"(%ones) {upper = 0 : i64}
  %starts = onnx.shape ["0", "0"]
  %mask = onnx.node "Slice"(%table, %starts, %end, %both)
  // CHECK: qfa.attention
  // CHECK-SAME: scale = 5.000000e-01 : f32}
  %1 = onnx.node "Attention"(%q, %q, %q, %mask)
  %2 = onnx.node "Transpose"(%1) {perm = array<i64: 0, 2, 1, 3>}
  %3 = onnx.node "Reshape"(%2, %join)
  %r = onnx.to_tensor %3 : tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}
