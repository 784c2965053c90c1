// A two-layer LLaMA as Import leaves it: hidden 32, 4 heads and 2 key/value heads of 8, feed-forward 48, tied embedding of 64.
qfa.parameter @"model.embed_tokens.weight" : tensor<64x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.input_layernorm.weight" : tensor<32xf32> {storage = f32}
qfa.parameter @"model.layers.0.self_attn.q_proj.weight" : tensor<32x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.self_attn.k_proj.weight" : tensor<16x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.self_attn.v_proj.weight" : tensor<16x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.self_attn.o_proj.weight" : tensor<32x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.post_attention_layernorm.weight" : tensor<32xf32> {storage = f32}
qfa.parameter @"model.layers.0.mlp.gate_proj.weight" : tensor<48x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.mlp.up_proj.weight" : tensor<48x32xf32> {storage = f32}
qfa.parameter @"model.layers.0.mlp.down_proj.weight" : tensor<32x48xf32> {storage = f32}
qfa.parameter @"model.layers.1.input_layernorm.weight" : tensor<32xf32> {storage = f32}
qfa.parameter @"model.layers.1.self_attn.q_proj.weight" : tensor<32x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.self_attn.k_proj.weight" : tensor<16x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.self_attn.v_proj.weight" : tensor<16x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.self_attn.o_proj.weight" : tensor<32x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.post_attention_layernorm.weight" : tensor<32xf32> {storage = f32}
qfa.parameter @"model.layers.1.mlp.gate_proj.weight" : tensor<48x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.mlp.up_proj.weight" : tensor<48x32xf32> {storage = f32}
qfa.parameter @"model.layers.1.mlp.down_proj.weight" : tensor<32x48xf32> {storage = f32}
qfa.parameter @"model.norm.weight" : tensor<32xf32> {storage = f32}

func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %table = qfa.weight @"model.embed_tokens.weight" : tensor<64x32xf32>
  %x0 = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<64x32xf32> -> tensor<?x?x32xf32>
  // block 0
  %wn0 = qfa.weight @"model.layers.0.input_layernorm.weight" : tensor<32xf32>
  %n0 = qfa.rms_norm %x0, %wn0 {epsilon = 1.0e-05 : f32} : tensor<?x?x32xf32>, tensor<32xf32>
  %wq0 = qfa.weight @"model.layers.0.self_attn.q_proj.weight" : tensor<32x32xf32>
  %q0 = qfa.linear %n0, %wq0 : tensor<?x?x32xf32>, tensor<32x32xf32> -> tensor<?x?x32xf32>
  %wk0 = qfa.weight @"model.layers.0.self_attn.k_proj.weight" : tensor<16x32xf32>
  %k0 = qfa.linear %n0, %wk0 : tensor<?x?x32xf32>, tensor<16x32xf32> -> tensor<?x?x16xf32>
  %wv0 = qfa.weight @"model.layers.0.self_attn.v_proj.weight" : tensor<16x32xf32>
  %v0 = qfa.linear %n0, %wv0 : tensor<?x?x32xf32>, tensor<16x32xf32> -> tensor<?x?x16xf32>
  %qr0 = qfa.rope %q0 {num_heads = 4 : i64, inverse_frequencies = dense<[1.0, 0.1, 0.01, 0.001]> : tensor<4xf64>} : tensor<?x?x32xf32>
  %kr0 = qfa.rope %k0 {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.1, 0.01, 0.001]> : tensor<4xf64>} : tensor<?x?x16xf32>
  %a0, %lse0 = qfa.attention %qr0, %kr0, %v0 {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.35355338 : f32}
      : tensor<?x?x32xf32>, tensor<?x?x16xf32> -> tensor<?x4x?xf32>
  %wo0 = qfa.weight @"model.layers.0.self_attn.o_proj.weight" : tensor<32x32xf32>
  %o0 = qfa.linear %a0, %wo0 : tensor<?x?x32xf32>, tensor<32x32xf32> -> tensor<?x?x32xf32>
  %h0 = arith.addf %x0, %o0 : tensor<?x?x32xf32>
  %wm0 = qfa.weight @"model.layers.0.post_attention_layernorm.weight" : tensor<32xf32>
  %m0 = qfa.rms_norm %h0, %wm0 {epsilon = 1.0e-05 : f32} : tensor<?x?x32xf32>, tensor<32xf32>
  %wg0 = qfa.weight @"model.layers.0.mlp.gate_proj.weight" : tensor<48x32xf32>
  %g0 = qfa.linear %m0, %wg0 : tensor<?x?x32xf32>, tensor<48x32xf32> -> tensor<?x?x48xf32>
  %wu0 = qfa.weight @"model.layers.0.mlp.up_proj.weight" : tensor<48x32xf32>
  %u0 = qfa.linear %m0, %wu0 : tensor<?x?x32xf32>, tensor<48x32xf32> -> tensor<?x?x48xf32>
  %s0 = qfa.gated_activation silu %g0, %u0 : tensor<?x?x48xf32>
  %wd0 = qfa.weight @"model.layers.0.mlp.down_proj.weight" : tensor<32x48xf32>
  %d0 = qfa.linear %s0, %wd0 : tensor<?x?x48xf32>, tensor<32x48xf32> -> tensor<?x?x32xf32>
  %x1 = arith.addf %h0, %d0 : tensor<?x?x32xf32>
  // block 1
  %wn1 = qfa.weight @"model.layers.1.input_layernorm.weight" : tensor<32xf32>
  %n1 = qfa.rms_norm %x1, %wn1 {epsilon = 1.0e-05 : f32} : tensor<?x?x32xf32>, tensor<32xf32>
  %wq1 = qfa.weight @"model.layers.1.self_attn.q_proj.weight" : tensor<32x32xf32>
  %q1 = qfa.linear %n1, %wq1 : tensor<?x?x32xf32>, tensor<32x32xf32> -> tensor<?x?x32xf32>
  %wk1 = qfa.weight @"model.layers.1.self_attn.k_proj.weight" : tensor<16x32xf32>
  %k1 = qfa.linear %n1, %wk1 : tensor<?x?x32xf32>, tensor<16x32xf32> -> tensor<?x?x16xf32>
  %wv1 = qfa.weight @"model.layers.1.self_attn.v_proj.weight" : tensor<16x32xf32>
  %v1 = qfa.linear %n1, %wv1 : tensor<?x?x32xf32>, tensor<16x32xf32> -> tensor<?x?x16xf32>
  %qr1 = qfa.rope %q1 {num_heads = 4 : i64, inverse_frequencies = dense<[1.0, 0.1, 0.01, 0.001]> : tensor<4xf64>} : tensor<?x?x32xf32>
  %kr1 = qfa.rope %k1 {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.1, 0.01, 0.001]> : tensor<4xf64>} : tensor<?x?x16xf32>
  %a1, %lse1 = qfa.attention %qr1, %kr1, %v1 {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.35355338 : f32}
      : tensor<?x?x32xf32>, tensor<?x?x16xf32> -> tensor<?x4x?xf32>
  %wo1 = qfa.weight @"model.layers.1.self_attn.o_proj.weight" : tensor<32x32xf32>
  %o1 = qfa.linear %a1, %wo1 : tensor<?x?x32xf32>, tensor<32x32xf32> -> tensor<?x?x32xf32>
  %h1 = arith.addf %x1, %o1 : tensor<?x?x32xf32>
  %wm1 = qfa.weight @"model.layers.1.post_attention_layernorm.weight" : tensor<32xf32>
  %m1 = qfa.rms_norm %h1, %wm1 {epsilon = 1.0e-05 : f32} : tensor<?x?x32xf32>, tensor<32xf32>
  %wg1 = qfa.weight @"model.layers.1.mlp.gate_proj.weight" : tensor<48x32xf32>
  %g1 = qfa.linear %m1, %wg1 : tensor<?x?x32xf32>, tensor<48x32xf32> -> tensor<?x?x48xf32>
  %wu1 = qfa.weight @"model.layers.1.mlp.up_proj.weight" : tensor<48x32xf32>
  %u1 = qfa.linear %m1, %wu1 : tensor<?x?x32xf32>, tensor<48x32xf32> -> tensor<?x?x48xf32>
  %s1 = qfa.gated_activation silu %g1, %u1 : tensor<?x?x48xf32>
  %wd1 = qfa.weight @"model.layers.1.mlp.down_proj.weight" : tensor<32x48xf32>
  %d1 = qfa.linear %s1, %wd1 : tensor<?x?x48xf32>, tensor<32x48xf32> -> tensor<?x?x32xf32>
  %x2 = arith.addf %h1, %d1 : tensor<?x?x32xf32>
  // head
  %wy = qfa.weight @"model.norm.weight" : tensor<32xf32>
  %y = qfa.rms_norm %x2, %wy {epsilon = 1.0e-05 : f32} : tensor<?x?x32xf32>, tensor<32xf32>
  %logits = qfa.linear %y, %table : tensor<?x?x32xf32>, tensor<64x32xf32> -> tensor<?x?x64xf32>
  return %logits : tensor<?x?x64xf32>
}
