// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @rank(%x: tensor<8x32xf32>) {
  // expected-error @+1 {{operand #0 must be 3D tensor of 32-bit float values, but got 'tensor<8x32xf32>'}}
  %y = qfa.gated_activation silu %x, %x : tensor<8x32xf32>
  return
}
