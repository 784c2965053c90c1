// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @embedding_grad_c1(%ids: tensor<2x8xi32>, %dy: tensor<2x8x16xf32>, %g: !qfa.buffer<32x8xf32>) {
  // expected-error @+1 {{buffer is '!qfa.buffer<32x8xf32>', wanted [rows, 16]}}
  qfa.embedding_grad %ids, %dy into %g : tensor<2x8xi32>, tensor<2x8x16xf32>, !qfa.buffer<32x8xf32>
  return
}

// -----

func.func @embedding_grad_c2(%ids: tensor<2x4xi32>, %dy: tensor<2x8x16xf32>, %g: !qfa.buffer<32x16xf32>) {
  // expected-error @+1 {{ids has shape [2, 4], wanted [2, 8]}}
  qfa.embedding_grad %ids, %dy into %g : tensor<2x4xi32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>
  return
}
