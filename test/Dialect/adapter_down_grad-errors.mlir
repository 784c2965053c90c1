// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @adapter_down_grad_c1(%dy: tensor<2x8x2xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // expected-error @+1 {{dy has shape [2, 8, 2], wanted [2, 8, 4]}}
  %du = qfa.adapter_down_grad %dy, %w {scale = 0.5 : f32} : tensor<2x8x2xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x2xf32>
  return
}

// -----

func.func @adapter_down_grad_c1_result(%dy: tensor<2x8x4xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // expected-error @+1 {{result has shape [2, 8, 4], wanted [2, 8, 2]}}
  %du = qfa.adapter_down_grad %dy, %w {scale = 0.5 : f32} : tensor<2x8x4xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x4xf32>
  return
}
