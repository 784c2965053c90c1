// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @linear_grad_c1(%dy: tensor<2x8x16xf32>, %w: tensor<32x16xf32>) {
  // expected-error @+1 {{weight has output width 32, dy has 16 features}}
  %dx = qfa.linear_grad %dy, %w : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  return
}

// -----

func.func @linear_grad_c1_result(%dy: tensor<2x8x32xf32>, %w: tensor<32x16xf32>) {
  // expected-error @+1 {{dx has shape [2, 8, 32], wanted [2, 8, 16]}}
  %dx = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
  return
}

// -----

func.func @linear_grad_c2(%dy: tensor<2x8x32xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // expected-error @+1 {{dadapter has shape [2, 8, 2], wanted [2, 8, 4]}}
  %dx, %dxa = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x16xf32>, tensor<2x8x2xf32>
  return
}

// -----

func.func @linear_grad_c2_plain(%dy: tensor<2x8x32xf32>, %w: tensor<32x16xf32>) {
  // expected-error @+1 {{has an adapter gradient but its weight is not elastic}}
  %dx, %dxa = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>, tensor<2x8x4xf32>
  return
}

// -----

func.func @linear_grad_c3(%dy: tensor<2x8x32xf32>, %w: tensor<32x16xf32>, %a: tensor<2x4x16xf32>) {
  // expected-error @+1 {{addend is 'tensor<2x4x16xf32>', wanted 'tensor<2x8x16xf32>'}}
  %dx = qfa.linear_grad %dy, %w plus %a : tensor<2x4x16xf32> : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  return
}
