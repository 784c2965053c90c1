// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_gain_grad_c1(%x: tensor<2x8x16xf32>, %g: !qfa.buffer<8xf32>) {
  // expected-error @+1 {{buffer has shape [8], wanted [16]}}
  qfa.rms_norm_gain_grad %x, %x into %g {epsilon = 0.0 : f32} : tensor<2x8x16xf32>, !qfa.buffer<8xf32>
  return
}
