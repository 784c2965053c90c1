// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 3 trainables agree

// Tests the gradients of weight and input.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[X:.*]] = qfa.embedding
// CHECK: %[[W:.*]] = qfa.weight @w
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK: %[[G:.*]] = qfa.state_ref @w.gradient
// CHECK-NEXT: qfa.accumulate_outer %[[DH]], %[[X]] into %[[G]] {scale = 1.000000e+00 : f32}
// CHECK-NEXT: %[[DX:.*]] = qfa.linear_grad %[[DH]], %[[W]] : tensor<2x5x6xf32>, tensor<6x4xf32> -> tensor<2x5x4xf32>
// CHECK: qfa.embedding_grad %{{.*}}, %[[DX]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @w : tensor<6x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x6xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %wy = qfa.weight @w : tensor<6x4xf32>
  %y = qfa.linear %x, %wy : tensor<?x?x4xf32>, tensor<6x4xf32> -> tensor<?x?x6xf32>
  %head = qfa.weight @head : tensor<8x6xf32>
  %logits = qfa.linear %y, %head : tensor<?x?x6xf32>, tensor<8x6xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
