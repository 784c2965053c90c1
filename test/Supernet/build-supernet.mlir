// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4" | FileCheck %s
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4" > %t.once
// RUN: qfa-opt %t.once --qfa-build-supernet="group-size=16 rank=4" | diff %t.once -
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 granularity=linear bits=2,8" | FileCheck %s --check-prefix=LINEAR
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 granularity=block" | FileCheck %s --check-prefix=BLOCK
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=0 embedding-bits=16" | FileCheck %s --check-prefix=PLAIN
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=auto" | FileCheck %s --check-prefix=AUTO

// Tests that layers become rows of sites shared by what reads one value, and that a tied table is one row.
// CHECK: module attributes {qfa.supernet_options = "bits=2,3,4 granularity=group group-size=16 rank=4 alpha=16 embedding-bits=8"}
// CHECK: qfa.parameter @model.layers.0.self_attn.q_proj.weight
// CHECK: qfa.site @model.embed_tokens.site bits [8]
// CHECK-NEXT: qfa.elastic @model.embed_tokens of @model.embed_tokens.weight at @model.embed_tokens.site : !qfa.elastic<64x32, bits = [8], group = 16, rank = 0, scales = f32>
// CHECK-NEXT: qfa.site @model.layers.0.self_attn.qkv bits [2, 3, 4]
// CHECK-NEXT: qfa.elastic @model.layers.0.self_attn.q_proj of @model.layers.0.self_attn.q_proj.weight at @model.layers.0.self_attn.qkv : !qfa.elastic<32x32, bits = [2, 3, 4], group = 16, rank = 4, scales = f32>
// CHECK-NEXT: qfa.elastic @model.layers.0.self_attn.k_proj
// CHECK-NEXT: qfa.elastic @model.layers.0.self_attn.v_proj
// CHECK-NEXT: qfa.site @model.layers.0.self_attn.o bits
// CHECK-NEXT: qfa.elastic @model.layers.0.self_attn.o_proj
// CHECK-NEXT: qfa.site @model.layers.0.mlp.gate_up bits
// CHECK-NEXT: qfa.elastic @model.layers.0.mlp.gate_proj
// CHECK-NEXT: qfa.elastic @model.layers.0.mlp.up_proj
// CHECK-NEXT: qfa.site @model.layers.0.mlp.down bits
// CHECK-NEXT: qfa.elastic @model.layers.0.mlp.down_proj
// CHECK-NEXT: qfa.site @model.layers.1.self_attn.qkv bits
// CHECK-LABEL: func.func @forward
// CHECK: %[[TABLE:.*]] = qfa.elastic_ref @model.embed_tokens :
// CHECK: qfa.embedding %{{.*}}, %[[TABLE]]
// CHECK: %[[X:.*]] = qfa.rms_norm
// CHECK: %[[Q:.*]] = qfa.elastic_ref @model.layers.0.self_attn.q_proj
// CHECK: %[[U:.*]] = qfa.group_pool %[[X]] {group = 16 : i64} : tensor<?x?x32xf32> -> tensor<?x?x2xf32>
// CHECK: %[[A:.*]] = qfa.adapter_down %[[U]], %[[Q]] {scale = 4.000000e+00 : f32}
// CHECK: qfa.linear %[[X]], %[[Q]] adapter(%[[A]] : tensor<?x?x4xf32>)
// CHECK-NOT: qfa.group_pool %[[X]]
// CHECK: qfa.adapter_down %[[U]]
// CHECK: qfa.linear %{{.*}}, %[[TABLE]] : tensor<?x?x32xf32>
// CHECK-NEXT: return

// Tests that every layer has its own site, with other bits.
// LINEAR: qfa.site @model.layers.0.self_attn.q bits [2, 8]
// LINEAR-NEXT: qfa.elastic @model.layers.0.self_attn.q_proj
// LINEAR-NEXT: qfa.site @model.layers.0.self_attn.k bits [2, 8]

// Tests that a block is one site.
// BLOCK: qfa.site @model.layers.0 bits
// BLOCK-COUNT-7: qfa.elastic @model.layers.0
// BLOCK: qfa.site @model.layers.1 bits
// BLOCK-COUNT-7: qfa.elastic @model.layers.1
// BLOCK-NOT: qfa.site

// Tests that rank 0 makes no adapters, and 16 bits leave the tables as they are.
// PLAIN: qfa.parameter @model.embed_tokens.weight {{.*}}rounded = f16
// PLAIN-NOT: rounded
// PLAIN-NOT: qfa.elastic @model.embed_tokens
// PLAIN: %[[TABLE:.*]] = qfa.weight @model.embed_tokens.weight
// PLAIN: qfa.embedding %{{.*}}, %[[TABLE]]
// PLAIN-NOT: qfa.group_pool
// PLAIN: qfa.linear %{{.*}}, %[[TABLE]] : tensor<?x?x32xf32>, tensor<64x32xf32>

// Tests that auto takes the first of 64, 32, 16 that divides each width.
// AUTO: qfa.elastic @model.layers.0.self_attn.q_proj {{.*}}<32x32, {{.*}}group = 32
// AUTO: qfa.elastic @model.layers.0.mlp.down_proj {{.*}}<32x48, {{.*}}group = 16
