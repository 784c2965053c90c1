// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.parameter @"model.layers.0.self_attn.q_proj.weight" : tensor<16x16xf32> {storage = f32}
qfa.site @"model.layers.0.self_attn.qkv" bits [2, 3, 4]
// CHECK: qfa.elastic @model.layers.0.self_attn.q_proj of @model.layers.0.self_attn.q_proj.weight at @model.layers.0.self_attn.qkv : !qfa.elastic<16x16, bits = [2, 3, 4], group = 8, rank = 4, scales = f32>
qfa.elastic @"model.layers.0.self_attn.q_proj" of @"model.layers.0.self_attn.q_proj.weight" at @"model.layers.0.self_attn.qkv"
    : !qfa.elastic<16x16, bits = [2, 3, 4], group = 8, rank = 4, scales = f32> {alpha = 16.0 : f32}
// Tests another strength, halves as scales, and no adapter.
// CHECK: qfa.elastic @small of @model.layers.0.self_attn.q_proj.weight at @model.layers.0.self_attn.qkv : !qfa.elastic<16x16, bits = [2, 3, 4], group = 16, rank = 0, scales = f16> {alpha = 8.000000e+00 : f32}
qfa.elastic @small of @"model.layers.0.self_attn.q_proj.weight" at @"model.layers.0.self_attn.qkv" : !qfa.elastic<16x16, bits = [2, 3, 4], group = 16, rank = 0, scales = f16> {alpha = 8.0 : f32}

// Tests the type's example.
// CHECK-LABEL: func.func private @type(
// CHECK-SAME: !qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>
func.func private @type(!qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>)
