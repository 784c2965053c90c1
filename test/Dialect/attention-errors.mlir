// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @attention_c1(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>) {
  // expected-error @+1 {{has 16 query features in 3 heads and 8 key features in 2 heads, wanted heads of one width}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 3 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c1_width(%q: tensor<1x8x16xf32>, %k: tensor<1x8x16xf32>) {
  // expected-error @+1 {{has 16 query features in 4 heads and 16 key features in 2 heads, wanted heads of one width}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c1_zero(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>) {
  // expected-error @+1 {{has 16 query features in 4 heads and 8 key features in 0 heads, wanted heads of one width}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 0 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<1x8x16xf32>, %k: tensor<1x8x12xf32>) {
  // expected-error @+1 {{num_kv_heads 3 does not divide num_heads 4}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 3 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x12xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<1x8x16xf32>, %k: tensor<1x6x8xf32>) {
  // expected-error @+1 {{k has shape [1, 6, 8], wanted [1, 8, 8]}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x6x8xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c4(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>) {
  // expected-error @+1 {{window and softcap must be positive}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 0 : i64} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @attention_c4_softcap(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>) {
  // expected-error @+1 {{window and softcap must be positive}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, softcap = -1.0 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @log_sum_exp(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>) {
  // expected-error @+1 {{log_sum_exp has shape [1, 8, 4], wanted [1, 4, 8]}}
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  return
}
