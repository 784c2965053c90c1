// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @accumulate_outer_c1(%dy: tensor<2x8x32xf32>, %x: tensor<2x8x16xf32>, %g: !qfa.buffer<16x32xf32>) {
  // expected-error @+1 {{buffer has shape [16, 32], wanted [32, 16]}}
  qfa.accumulate_outer %dy, %x into %g {scale = 1.0 : f32} : tensor<2x8x32xf32>, tensor<2x8x16xf32>, !qfa.buffer<16x32xf32>
  return
}

// -----

func.func @accumulate_outer_c2(%dy: tensor<2x8x32xf32>, %x: tensor<2x4x16xf32>, %g: !qfa.buffer<32x16xf32>) {
  // expected-error @+1 {{right has shape [2, 4, 16], wanted [2, 8, 16]}}
  qfa.accumulate_outer %dy, %x into %g {scale = 1.0 : f32} : tensor<2x8x32xf32>, tensor<2x4x16xf32>, !qfa.buffer<32x16xf32>
  return
}
