// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 2 trainables agree

// Tests that every feature gets the gradient of its group.
// CHECK-LABEL: func.func @train_step
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: qfa.state_ref @head.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad
// CHECK-NEXT: %[[DX:.*]] = qfa.group_unpool %[[DH]] {group = 3 : i64} : tensor<2x5x2xf32> -> tensor<2x5x6xf32>
// CHECK: qfa.embedding_grad %{{.*}}, %[[DX]]
qfa.parameter @table : tensor<8x6xf32> {storage = f32}
qfa.parameter @head : tensor<8x2xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x6xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x6xf32> -> tensor<?x?x6xf32>
  %u = qfa.group_pool %x {group = 3 : i64} : tensor<?x?x6xf32> -> tensor<?x?x2xf32>
  %head = qfa.weight @head : tensor<8x2xf32>
  %logits = qfa.linear %u, %head : tensor<?x?x2xf32>, tensor<8x2xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
