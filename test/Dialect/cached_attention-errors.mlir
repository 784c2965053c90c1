// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @cached_attention_c1(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<64x8xf32>) {
  // expected-error @+1 {{has 16 query features in 3 heads and 8 key features in 2 heads, wanted heads of one width}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 3 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
  return
}

// -----

func.func @cached_attention_c1_sequence(%q: tensor<1x1x16xf32>, %k: tensor<1x2x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<64x8xf32>) {
  // expected-error @+1 {{k has shape [1, 2, 8], wanted [1, 1, 8]}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x1x16xf32>, tensor<1x2x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
  return
}

// -----

func.func @cached_attention_c1_window(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<64x8xf32>) {
  // expected-error @+1 {{window and softcap must be positive}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = -1 : i64} : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
  return
}

// -----

func.func @cached_attention_c2(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<64x16xf32>) {
  // expected-error @+1 {{cache is '!qfa.buffer<64x16xf32>', wanted [context, 8]}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x16xf32>
  return
}

// -----

func.func @cached_attention_c2_rank(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<8xf32>) {
  // expected-error @+1 {{cache is '!qfa.buffer<8xf32>', wanted [context, 8]}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<8xf32>
  return
}

// -----

func.func @cached_attention_c3(%q: tensor<2x1x16xf32>, %k: tensor<2x1x8xf32>, %position: tensor<1xi32>, %cache: !qfa.buffer<64x8xf32>) {
  // expected-error @+1 {{has batch 2, wanted 1}}
  %y = qfa.cached_attention %q, %k, %k, %position, %cache, %cache {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32} : tensor<2x1x16xf32>, tensor<2x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
  return
}
