// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @attention_grad_c1(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>, %lse: tensor<1x4x8xf32>) {
  // expected-error @+1 {{has 16 query features in 3 heads and 8 key features in 2 heads, wanted heads of one width}}
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %k, %q, %lse, %q {num_heads = 3 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32>, tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_grad_c1_log_sum_exp(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>, %lse: tensor<1x2x8xf32>) {
  // expected-error @+1 {{log_sum_exp has shape [1, 2, 8], wanted [1, 4, 8]}}
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %k, %q, %lse, %q {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32>, tensor<1x2x8xf32>
  return
}
