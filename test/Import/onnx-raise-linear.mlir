// RUN: qfa-opt --qfa-onnx-raise --split-input-file %s | FileCheck %s

// Tests that a weight [in, out] gets its logical shape and remembers that the file holds the transpose.
// CHECK: qfa.parameter @w : tensor<32x64xf32> {{{.*}}transposed}
qfa.parameter @w : tensor<64x32xf32> {storage = f32, bytes = 8192 : i64}
// CHECK-LABEL: func.func @linear
// CHECK-SAME:  (%[[X:.*]]: tensor<?x?x64xf32>) -> tensor<?x?x32xf32>
func.func @linear(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x32xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %w = onnx.initializer @w
  // CHECK: %[[W:.*]] = qfa.weight @w : tensor<32x64xf32>
  // CHECK: qfa.linear %[[X]], %[[W]] : tensor<?x?x64xf32>, tensor<32x64xf32> -> tensor<?x?x32xf32>
  %0 = onnx.node "MatMul"(%x, %w)
  %r = onnx.to_tensor %0 : tensor<?x?x32xf32>
  return %r : tensor<?x?x32xf32>
}

// -----

// Tests a tied table: read by Gather as stored, by the projection through a run-time Transpose; and the scope's record.
// CHECK: qfa.parameter @table : tensor<100x64xf32>
// CHECK-SAME: onnx.scope = "model.embed_tokens"
// CHECK-NOT: transposed
qfa.parameter @table : tensor<100x64xf32> {storage = f16, bytes = 12800 : i64}
// CHECK-LABEL: func.func @tied
// CHECK-SAME:  (%[[IDS:.*]]: tensor<?x?xi32>)
func.func @tied(%arg0: tensor<?x?xi32>) -> tensor<?x?x100xf32> {
  %ids = onnx.from_tensor %arg0 : tensor<?x?xi32>
  %w = onnx.initializer @table
  %0 = onnx.node "Cast"(%ids) {to = 7 : i64}
  // CHECK: qfa.embedding %[[IDS]], %{{.*}} : tensor<?x?xi32>, tensor<100x64xf32> -> tensor<?x?x64xf32>
  %1 = onnx.node "Gather"(%w, %0) {axis = 0 : i64} scope "model.embed_tokens"
  %2 = onnx.node "Transpose"(%w) {perm = array<i64: 1, 0>}
  // CHECK: qfa.linear %{{.*}}, %{{.*}} : tensor<?x?x64xf32>, tensor<100x64xf32> -> tensor<?x?x100xf32>
  %3 = onnx.node "MatMul"(%1, %2) scope "lm_head"
  %r = onnx.to_tensor %3 : tensor<?x?x100xf32>
  return %r : tensor<?x?x100xf32>
}

// -----

// Tests the gated activation in both orders, and the residual sum.
// CHECK-LABEL: func.func @gated
// CHECK-SAME:  (%[[GATE:.*]]: tensor<?x?x64xf32>, %[[UP:.*]]: tensor<?x?x64xf32>)
func.func @gated(%arg0: tensor<?x?x64xf32>, %arg1: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %gate = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %up = onnx.from_tensor %arg1 : tensor<?x?x64xf32>
  // CHECK-NEXT: %[[A:.*]] = qfa.gated_activation silu %[[GATE]], %[[UP]]
  %0 = onnx.node "Sigmoid"(%gate)
  %1 = onnx.node "Mul"(%0, %gate)
  %2 = onnx.node "Mul"(%up, %1)
  // CHECK-NEXT: %[[B:.*]] = qfa.gated_activation gelu_tanh %[[GATE]], %[[A]]
  %3 = onnx.node "Gelu"(%gate) {approximate = "tanh"}
  %4 = onnx.node "Mul"(%3, %2)
  // CHECK-NEXT: %[[C:.*]] = qfa.gated_activation silu %[[UP]], %[[B]]
  %5 = onnx.node "Swish"(%up)
  %6 = onnx.node "Mul"(%5, %4)
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[C]], %[[UP]]
  %7 = onnx.node "Add"(%6, %up)
  // CHECK-NEXT: return %[[SUM]]
  %r = onnx.to_tensor %7 : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}
