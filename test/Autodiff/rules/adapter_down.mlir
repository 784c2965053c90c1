// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=supernet" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 2 trainables agree

// Tests the gradients of both matrices of an adapter; the frozen copy and what lies below it have none.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[X:.*]] = qfa.embedding
// CHECK: %[[W:.*]] = qfa.elastic_ref @w
// CHECK: %[[U:.*]] = qfa.group_pool %[[X]]
// CHECK: %[[A:.*]] = qfa.adapter_down %[[U]], %[[W]]
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: %[[GB:.*]] = qfa.state_ref @w.adapter_b.gradient
// CHECK-NEXT: qfa.accumulate_outer %[[DH]], %[[A]] into %[[GB]] {scale = 1.000000e+00 : f32}
// CHECK-NEXT: %{{.*}}, %[[DA:.*]] = qfa.linear_grad %[[DH]], %[[W]] : {{.*}} -> tensor<2x5x4xf32>, tensor<2x5x3xf32>
// CHECK-NEXT: %[[GA:.*]] = qfa.state_ref @w.adapter_a.gradient
// CHECK-NEXT: qfa.accumulate_outer %[[DA]], %[[U]] into %[[GA]] {scale = 5.000000e-01 : f32}
// CHECK-NEXT: return
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @w.weight : tensor<6x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x6xf32> {storage = f32}
qfa.site @w.site bits [2, 4]
qfa.elastic @w of @w.weight at @w.site : !qfa.elastic<6x4, bits = [2, 4], group = 2, rank = 3, scales = f32>
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %w = qfa.elastic_ref @w : !qfa.elastic<6x4, bits = [2, 4], group = 2, rank = 3, scales = f32>
  %u = qfa.group_pool %x {group = 2 : i64} : tensor<?x?x4xf32> -> tensor<?x?x2xf32>
  %a = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<?x?x2xf32>, !qfa.elastic<6x4, bits = [2, 4], group = 2, rank = 3, scales = f32> -> tensor<?x?x3xf32>
  %y = qfa.linear %x, %w adapter(%a : tensor<?x?x3xf32>) : tensor<?x?x4xf32>, !qfa.elastic<6x4, bits = [2, 4], group = 2, rank = 3, scales = f32> -> tensor<?x?x6xf32>
  %head = qfa.weight @head : tensor<8x6xf32>
  %logits = qfa.linear %y, %head : tensor<?x?x6xf32>, tensor<8x6xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
