// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @linear_c1(%x: tensor<2x8x16xf32>, %w: tensor<32x8xf32>) {
  // expected-error @+1 {{weight has input width 8, x has 16 features}}
  %y = qfa.linear %x, %w : tensor<2x8x16xf32>, tensor<32x8xf32> -> tensor<2x8x32xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %xa: tensor<2x8x4xf32>) {
  // expected-error @+1 {{has an adapter but its weight is not elastic}}
  %y = qfa.linear %x, %w adapter(%xa : tensor<2x8x4xf32>) : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
  return
}

// -----

func.func @linear_c2_rank(%x: tensor<2x8x16xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, %xa: tensor<2x8x8xf32>) {
  // expected-error @+1 {{adapter has shape [2, 8, 8], wanted [2, 8, 4]}}
  %y = qfa.linear %x, %w adapter(%xa : tensor<2x8x8xf32>) : tensor<2x8x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x32xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<2x8x16xf32>, %w: tensor<32x16xf32>) {
  // expected-error @+1 {{result has shape [2, 8, 16], wanted [2, 8, 32]}}
  %y = qfa.linear %x, %w : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  return
}

// -----

func.func @rank(%x: tensor<f32>, %w: tensor<32x16xf32>) {
  // expected-error @+1 {{operand #0 must be 3D tensor of 32-bit float values, but got 'tensor<f32>'}}
  %y = qfa.linear %x, %w : tensor<f32>, tensor<32x16xf32> -> tensor<f32>
  return
}
