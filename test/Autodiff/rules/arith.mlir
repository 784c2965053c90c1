// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 3 trainables agree

// Tests sums, differences and products; gradients of one value add up.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[X:.*]] = qfa.embedding
// CHECK: %[[Y:.*]] = qfa.linear %[[X]]
// CHECK: %[[A:.*]] = arith.addf %[[X]], %[[Y]]
// CHECK: %[[S:.*]] = arith.subf %[[X]], %[[Y]]
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: qfa.state_ref @head.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad
// CHECK-NEXT: %[[DA:.*]] = arith.mulf %[[DH]], %[[S]]
// CHECK-NEXT: %[[DS:.*]] = arith.mulf %[[DH]], %[[A]]
// CHECK-NEXT: %[[NEG:.*]] = arith.negf %[[DS]]
// CHECK-NEXT: %[[DX:.*]] = arith.addf %[[DS]], %[[DA]]
// CHECK-NEXT: %[[DY:.*]] = arith.addf %[[NEG]], %[[DA]]
// CHECK: qfa.accumulate_outer %[[DY]], %[[X]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @w : tensor<4x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %wy = qfa.weight @w : tensor<4x4xf32>
  %y = qfa.linear %x, %wy : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %a = arith.addf %x, %y : tensor<?x?x4xf32>
  %s = arith.subf %x, %y : tensor<?x?x4xf32>
  %m = arith.mulf %a, %s : tensor<?x?x4xf32>
  %head = qfa.weight @head : tensor<8x4xf32>
  %logits = qfa.linear %m, %head : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
