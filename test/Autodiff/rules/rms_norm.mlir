// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 3 trainables agree

// Tests the gradients of gain and input.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[X:.*]] = qfa.embedding
// CHECK: %[[GAIN:.*]] = qfa.weight @gain
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK: %[[G:.*]] = qfa.state_ref @gain.gradient
// CHECK-NEXT: qfa.rms_norm_gain_grad %[[X]], %[[DH]] into %[[G]] {epsilon = 1.000000e-01 : f32}
// CHECK-NEXT: %[[DX:.*]] = qfa.rms_norm_grad %[[X]], %[[GAIN]], %[[DH]] {epsilon = 1.000000e-01 : f32}
// CHECK: qfa.embedding_grad %{{.*}}, %[[DX]]
qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @gain : tensor<4xf32> {storage = f32}
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %gain = qfa.weight @gain : tensor<4xf32>
  %y = qfa.rms_norm %x, %gain {epsilon = 0.1 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  %head = qfa.weight @head : tensor<8x4xf32>
  %logits = qfa.linear %y, %head : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
