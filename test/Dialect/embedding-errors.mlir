// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @embedding_c1(%ids: tensor<2x8xi32>, %table: tensor<32x16xf32>) {
  // expected-error @+1 {{result has shape [2, 8, 32], wanted [2, 8, 16]}}
  %x = qfa.embedding %ids, %table : tensor<2x8xi32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
  return
}

// -----

func.func @embedding_c1_tokens(%ids: tensor<?x8xi32>, %table: tensor<32x16xf32>) {
  // expected-error @+1 {{result has shape [2, 4, 16], wanted [?, 8, 16]}}
  %x = qfa.embedding %ids, %table : tensor<?x8xi32>, tensor<32x16xf32> -> tensor<2x4x16xf32>
  return
}

// -----

func.func @rank(%ids: tensor<8xi32>, %table: tensor<32x16xf32>) {
  // expected-error @+1 {{operand #0 must be 2D tensor of 32-bit signless integer values, but got 'tensor<8xi32>'}}
  %x = qfa.embedding %ids, %table : tensor<8xi32>, tensor<32x16xf32> -> tensor<1x8x16xf32>
  return
}
