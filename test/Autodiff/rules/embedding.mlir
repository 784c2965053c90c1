// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 2 trainables agree

// Tests that the rows of the identifiers get the gradient of the result.
// CHECK-LABEL: func.func @train_step
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK: %[[G:.*]] = qfa.state_ref @table.gradient
// CHECK-NEXT: qfa.embedding_grad %arg0, %[[DH]] into %[[G]]
// CHECK-NEXT: return
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %head = qfa.weight @head : tensor<8x4xf32>
  %logits = qfa.linear %x, %head : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
