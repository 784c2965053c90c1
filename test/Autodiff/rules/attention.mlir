// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 5 trainables agree

// Tests the gradients of queries, keys and values with grouped heads, a window and a soft cap.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[Y:.*]], %[[LSE:.*]] = qfa.attention %[[Q:.*]], %[[K:.*]], %[[V:.*]] {
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: qfa.state_ref @head.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad
// CHECK-NEXT: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = qfa.attention_grad %[[Q]], %[[K]], %[[V]], %[[Y]], %[[LSE]], %[[DH]] {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 7.500000e-01 : f32, softcap = 2.000000e+00 : f32, window = 3 : i64}
// CHECK: qfa.accumulate_outer %[[DV]]
// CHECK: qfa.accumulate_outer %[[DK]]
// CHECK: qfa.accumulate_outer %[[DQ]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @q : tensor<8x4xf32> {storage = f32}
qfa.parameter @k : tensor<4x4xf32> {storage = f32}
qfa.parameter @v : tensor<4x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x8xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %wq = qfa.weight @q : tensor<8x4xf32>
  %q = qfa.linear %x, %wq : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  %wk = qfa.weight @k : tensor<4x4xf32>
  %k = qfa.linear %x, %wk : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %wv = qfa.weight @v : tensor<4x4xf32>
  %v = qfa.linear %x, %wv : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.75 : f32, window = 3 : i64, softcap = 2.0 : f32}
      : tensor<?x?x8xf32>, tensor<?x?x4xf32> -> tensor<?x4x?xf32>
  %head = qfa.weight @head : tensor<8x8xf32>
  %logits = qfa.linear %y, %head : tensor<?x?x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
