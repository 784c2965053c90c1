// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=5 functions=train_step,eval_step" --qfa-differentiate="method=full" > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: qfa-interpret %t.mlir --check-gradients --seed=1 | FileCheck %s --check-prefix=NUMBERS
// NUMBERS: gradients of 2 trainables agree

// Tests that the gradient is rotated backwards: partial and interleaved, at the same positions.
// CHECK-LABEL: func.func @train_step
// CHECK: %{{.*}}, %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: qfa.state_ref @head.gradient
// CHECK-NEXT: qfa.cross_entropy_weight_grad
// CHECK-NEXT: %[[DX:.*]] = qfa.rope %[[DH]] {interleaved, inverse, inverse_frequencies = dense<[1.000000e+00, 1.000000e-01]> : tensor<2xf64>, num_heads = 2 : i64, scaling = 5.000000e-01 : f32}
// CHECK: qfa.embedding_grad %{{.*}}, %[[DX]]
qfa.parameter @table : tensor<8x12xf32> {storage = f32}
qfa.parameter @head : tensor<8x12xf32> {storage = f32}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x12xf32>
  %x = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x12xf32> -> tensor<?x?x12xf32>
  %y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.1]> : tensor<2xf64>, scaling = 0.5 : f32, interleaved} : tensor<?x?x12xf32>
  %head = qfa.weight @head : tensor<8x12xf32>
  %logits = qfa.linear %y, %head : tensor<?x?x12xf32>, tensor<8x12xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
