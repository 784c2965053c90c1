// RUN: qfa-opt --qfa-name-parameters --split-input-file %s | FileCheck %s

// Tests names from the file: an initializer's own, a module's scope without the prefix of an export wrapper, and the tied
// table under the embedding's name. A parameter that nothing uses goes.
// CHECK: qfa.parameter @model.embed_tokens.weight : tensor<8x4xf32>
// CHECK: qfa.parameter @model.norm.weight
// CHECK: qfa.parameter @model.layers.0.mlp.down_proj.weight
// CHECK-NOT: onnx.scope
// CHECK-NOT: qfa.parameter
qfa.parameter @lm_head.weight : tensor<8x4xf32> {storage = f32, bytes = 128 : i64, onnx.scope = "model.embed_tokens"}
qfa.parameter @model.model.norm.weight : tensor<4xf32> {storage = f32, bytes = 16 : i64}
qfa.parameter @val_129 : tensor<4x4xf32> {storage = f32, bytes = 64 : i64, onnx.scope = "model.model.layers.0.mlp.down_proj"}
qfa.parameter @expand_3 : tensor<1x2x1xf32> {storage = f32, bytes = 8 : i64}
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @lm_head.weight : tensor<8x4xf32>
  %gain = qfa.weight @model.model.norm.weight : tensor<4xf32>
  %down = qfa.weight @val_129 : tensor<4x4xf32>
  // CHECK: %[[TABLE:.*]] = qfa.weight @model.embed_tokens.weight
  // CHECK: qfa.embedding %{{.*}}, %[[TABLE]]
  %0 = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %1 = qfa.linear %0, %down : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %2 = qfa.rms_norm %1, %gain {epsilon = 1.0e-5 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  // CHECK: qfa.linear %{{.*}}, %[[TABLE]]
  %3 = qfa.linear %2, %table : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %3 : tensor<?x?x8xf32>
}

// -----

// Tests names from roles, where the file says nothing.
qfa.parameter @a : tensor<8x4xf32> {storage = f32, bytes = 128 : i64}
qfa.parameter @b : tensor<4xf32> {storage = f32, bytes = 16 : i64}
qfa.parameter @q : tensor<4x4xf32> {storage = f32, bytes = 64 : i64}
qfa.parameter @k : tensor<4x4xf32> {storage = f32, bytes = 64 : i64}
qfa.parameter @v : tensor<4x4xf32> {storage = f32, bytes = 64 : i64}
qfa.parameter @o : tensor<4x4xf32> {storage = f32, bytes = 64 : i64}
qfa.parameter @c : tensor<4xf32> {storage = f32, bytes = 16 : i64}
qfa.parameter @g : tensor<6x4xf32> {storage = f32, bytes = 96 : i64}
qfa.parameter @u : tensor<6x4xf32> {storage = f32, bytes = 96 : i64}
qfa.parameter @d : tensor<4x6xf32> {storage = f32, bytes = 96 : i64}
qfa.parameter @n : tensor<4xf32> {storage = f32, bytes = 16 : i64}
qfa.parameter @h : tensor<8x4xf32> {storage = f32, bytes = 128 : i64}
// CHECK: @model.embed_tokens.weight
// CHECK: @model.layers.0.input_layernorm.weight
// CHECK: @model.layers.0.self_attn.q_proj.weight
// CHECK: @model.layers.0.self_attn.k_proj.weight
// CHECK: @model.layers.0.self_attn.v_proj.weight
// CHECK: @model.layers.0.self_attn.o_proj.weight
// CHECK: @model.layers.0.post_attention_layernorm.weight
// CHECK: @model.layers.0.mlp.gate_proj.weight
// CHECK: @model.layers.0.mlp.up_proj.weight
// CHECK: @model.layers.0.mlp.down_proj.weight
// CHECK: @model.norm.weight
// CHECK: @lm_head.weight
// CHECK: func.func
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %a = qfa.weight @a : tensor<8x4xf32>
  %b = qfa.weight @b : tensor<4xf32>
  %q = qfa.weight @q : tensor<4x4xf32>
  %k = qfa.weight @k : tensor<4x4xf32>
  %v = qfa.weight @v : tensor<4x4xf32>
  %o = qfa.weight @o : tensor<4x4xf32>
  %c = qfa.weight @c : tensor<4xf32>
  %g = qfa.weight @g : tensor<6x4xf32>
  %u = qfa.weight @u : tensor<6x4xf32>
  %d = qfa.weight @d : tensor<4x6xf32>
  %n = qfa.weight @n : tensor<4xf32>
  %h = qfa.weight @h : tensor<8x4xf32>
  %0 = qfa.embedding %ids, %a : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %1 = qfa.rms_norm %0, %b {epsilon = 1.0e-5 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  %2 = qfa.linear %1, %q : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %3 = qfa.linear %1, %k : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %4 = qfa.linear %1, %v : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %5 = qfa.rope %2 {num_heads = 1 : i64, inverse_frequencies = dense<[1.0, 0.5]> : tensor<2xf64>} : tensor<?x?x4xf32>
  %6 = qfa.rope %3 {num_heads = 1 : i64, inverse_frequencies = dense<[1.0, 0.5]> : tensor<2xf64>} : tensor<?x?x4xf32>
  %7, %lse = qfa.attention %5, %6, %4 {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.5 : f32}
      : tensor<?x?x4xf32>, tensor<?x?x4xf32> -> tensor<?x1x?xf32>
  %8 = qfa.linear %7, %o : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
  %9 = qfa.rms_norm %8, %c {epsilon = 1.0e-5 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  %10 = qfa.linear %9, %g : tensor<?x?x4xf32>, tensor<6x4xf32> -> tensor<?x?x6xf32>
  %11 = qfa.linear %9, %u : tensor<?x?x4xf32>, tensor<6x4xf32> -> tensor<?x?x6xf32>
  %12 = qfa.gated_activation silu %10, %11 : tensor<?x?x6xf32>
  %13 = qfa.linear %12, %d : tensor<?x?x6xf32>, tensor<4x6xf32> -> tensor<?x?x4xf32>
  %14 = qfa.rms_norm %13, %n {epsilon = 1.0e-5 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  %15 = qfa.linear %14, %h : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %15 : tensor<?x?x8xf32>
}
