// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_grad_c1(%x: tensor<2x8x16xf32>, %gain: tensor<8xf32>) {
  // expected-error @+1 {{gain has shape [8], wanted [16]}}
  %dx = qfa.rms_norm_grad %x, %gain, %x {epsilon = 0.0 : f32} : tensor<2x8x16xf32>, tensor<8xf32>
  return
}

// -----

func.func @rms_norm_grad_c2(%x: tensor<2x8x16xf32>, %gain: tensor<16xf32>, %a: tensor<2x4x16xf32>) {
  // expected-error @+1 {{addend is 'tensor<2x4x16xf32>', wanted 'tensor<2x8x16xf32>'}}
  %dx = qfa.rms_norm_grad %x, %gain, %x plus %a : tensor<2x4x16xf32> {epsilon = 0.0 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  return
}
