// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 1 trainables agree

// Tests that the loss hands over its own gradient, and that a tied head adds to the table's gradient.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[LOSS:.*]], %[[LSE:.*]], %[[DH:.*]] = qfa.cross_entropy %[[X:.*]], %[[W:.*]], %[[LABELS:.*]] :
// CHECK-NEXT: %[[G:.*]] = qfa.state_ref @table.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad %[[X]], %[[W]], %[[LABELS]], %[[LSE]] into %[[G]]
// CHECK-NEXT: qfa.embedding_grad %{{.*}}, %[[DH]] into %[[G]]
// CHECK-NEXT: return %[[LOSS]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %logits = qfa.linear %x, %table : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
