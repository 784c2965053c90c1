// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @rope_c1(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{num_heads 3 does not divide 16 features}}
  %y = qfa.rope %x {num_heads = 3 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>} : tensor<2x8x16xf32>
  return
}

// -----

func.func @rope_c1_zero(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{num_heads 0 does not divide 16 features}}
  %y = qfa.rope %x {num_heads = 0 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>} : tensor<2x8x16xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{rotates 4 features, heads have 2}}
  %y = qfa.rope %x {num_heads = 8 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>} : tensor<2x8x16xf32>
  return
}

// -----

func.func @frequency_type(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{inverse frequencies are 'f32', wanted f64}}
  %y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<1.0> : tensor<2xf32>} : tensor<2x8x16xf32>
  return
}
