// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @select_token_c1(%x: tensor<1x8x16xf32>, %index: tensor<1xi32>) {
  // expected-error @+1 {{result has shape [1, 8, 16], wanted [1, 1, 16]}}
  %y = qfa.select_token %x at %index : tensor<1x8x16xf32>, tensor<1xi32> -> tensor<1x8x16xf32>
  return
}
