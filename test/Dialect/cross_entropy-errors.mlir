// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @cross_entropy_c1(%h: tensor<2x8x16xf32>, %w: tensor<32x8xf32>, %labels: tensor<2x8xi32>) {
  // expected-error @+1 {{weight has input width 8, h has 16 features}}
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x8xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @cross_entropy_c2(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x4xi32>) {
  // expected-error @+1 {{labels has shape [2, 4], wanted [2, 8]}}
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x4xi32> -> tensor<2x8xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @cross_entropy_c2_loss(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>) {
  // expected-error @+1 {{loss has shape [2], wanted [2, 8]}}
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2xf32>, tensor<2x8xf32>
  return
}

// -----

func.func @cross_entropy_c2_log_sum_exp(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>) {
  // expected-error @+1 {{log_sum_exp has shape [2, 1], wanted [2, 8]}}
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @cross_entropy_c3(%h: tensor<2x8x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<2x8xi32>) {
  // expected-error @+1 {{gradient is 'tensor<2x8x32xf32>', wanted 'tensor<2x8x16xf32>'}}
  %loss, %lse, %dh = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x32xf32>
  return
}
