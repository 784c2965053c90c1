// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @cross_entropy_weight_grad_c1(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>, %lse: tensor<2x8xf32>, %g: !qfa.buffer<16x32xf32>) {
  // expected-error @+1 {{buffer is '!qfa.buffer<16x32xf32>' and weight 'tensor<32x16xf32>', wanted both [vocabulary, 16]}}
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32>, tensor<2x8xf32>, !qfa.buffer<16x32xf32>
  return
}

// -----

func.func @cross_entropy_weight_grad_c1_features(%h: tensor<2x8x16xf32>, %w: tensor<32x8xf32>, %labels: tensor<2x8xi32>, %lse: tensor<2x8xf32>, %g: !qfa.buffer<32x8xf32>) {
  // expected-error @+1 {{buffer is '!qfa.buffer<32x8xf32>' and weight 'tensor<32x8xf32>', wanted both [vocabulary, 16]}}
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x8xf32>, tensor<2x8xi32>, tensor<2x8xf32>, !qfa.buffer<32x8xf32>
  return
}

// -----

func.func @cross_entropy_weight_grad_c2(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x4xi32>, %lse: tensor<2x8xf32>, %g: !qfa.buffer<32x16xf32>) {
  // expected-error @+1 {{labels has shape [2, 4], wanted [2, 8]}}
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x4xi32>, tensor<2x8xf32>, !qfa.buffer<32x16xf32>
  return
}

// -----

func.func @cross_entropy_weight_grad_c2_log_sum_exp(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>, %lse: tensor<2x4xf32>, %g: !qfa.buffer<32x16xf32>) {
  // expected-error @+1 {{log_sum_exp has shape [2, 4], wanted [2, 8]}}
  qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32>, tensor<2x4xf32>, !qfa.buffer<32x16xf32>
  return
}
