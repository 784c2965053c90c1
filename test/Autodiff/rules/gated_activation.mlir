// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 4 trainables agree

// Tests the gradients of gate and up for every kind.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[SILU:.*]] = qfa.gated_activation silu %[[A:.*]], %[[B:.*]] :
// CHECK: %[[GELU:.*]] = qfa.gated_activation gelu %[[SILU]], %[[B]] :
// CHECK: %[[TANH:.*]] = qfa.gated_activation gelu_tanh %[[GELU]], %[[B]] :
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: qfa.state_ref @head.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad
// CHECK-NEXT: %[[D3:.*]], %{{.*}} = qfa.gated_activation_grad gelu_tanh %[[GELU]], %[[B]], %[[DH]]
// CHECK-NEXT: %[[D2:.*]], %{{.*}} = qfa.gated_activation_grad gelu %[[SILU]], %[[B]], %[[D3]]
// CHECK: %{{.*}}, %{{.*}} = qfa.gated_activation_grad silu %[[A]], %[[B]], %[[D2]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @gate : tensor<6x4xf32> {storage = f32}
qfa.parameter @up : tensor<6x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x6xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %wa = qfa.weight @gate : tensor<6x4xf32>
  %a = qfa.linear %x, %wa : tensor<?x?x4xf32>, tensor<6x4xf32> -> tensor<?x?x6xf32>
  %wb = qfa.weight @up : tensor<6x4xf32>
  %b = qfa.linear %x, %wb : tensor<?x?x4xf32>, tensor<6x4xf32> -> tensor<?x?x6xf32>
  %s = qfa.gated_activation silu %a, %b : tensor<?x?x6xf32>
  %g = qfa.gated_activation gelu %s, %b : tensor<?x?x6xf32>
  %t = qfa.gated_activation gelu_tanh %g, %b : tensor<?x?x6xf32>
  %head = qfa.weight @head : tensor<8x6xf32>
  %logits = qfa.linear %t, %head : tensor<?x?x6xf32>, tensor<8x6xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
