// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_c1(%x: tensor<2x8x16xf32>, %gain: tensor<8xf32>) {
  // expected-error @+1 {{gain has shape [8], wanted [16]}}
  %y = qfa.rms_norm %x, %gain {epsilon = 0.0 : f32} : tensor<2x8x16xf32>, tensor<8xf32>
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<2x8x16xf32>, %gain: tensor<16xf32>) {
  // expected-error @+1 {{epsilon is negative}}
  %y = qfa.rms_norm %x, %gain {epsilon = -1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  return
}
