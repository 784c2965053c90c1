// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4 alpha=1" --qfa-build-functions="batch=2 sequence=8 functions=train_step,eval_step" --qfa-differentiate > %t.once
// RUN: FileCheck %s < %t.once
// RUN: qfa-opt %t.once --qfa-differentiate | diff %t.once -
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="batch=2 sequence=8 functions=train_step" --qfa-differentiate="method=full" | FileCheck %s --check-prefix=FULL

// Tests that every elastic weight with a rank has a gradient and a trainable per matrix, and the table none.
// CHECK-NOT: qfa.trainable @model.embed_tokens
// CHECK: qfa.state gradient @model.layers.0.self_attn.q_proj.adapter_a.gradient : !qfa.buffer<4x2xf32>
// CHECK-NEXT: qfa.trainable @model.layers.0.self_attn.q_proj.adapter_a of @model.layers.0.self_attn.q_proj role "adapter_a" gradient @model.layers.0.self_attn.q_proj.adapter_a.gradient : !qfa.trainable<4x2xf32>
// CHECK-NEXT: qfa.state gradient @model.layers.0.self_attn.q_proj.adapter_b.gradient : !qfa.buffer<32x4xf32>
// CHECK-NEXT: qfa.trainable @model.layers.0.self_attn.q_proj.adapter_b of @model.layers.0.self_attn.q_proj role "adapter_b"
// CHECK: qfa.trainable @model.layers.1.mlp.down_proj.adapter_b

// Tests the backward of the last layers, in reverse order.
// CHECK-LABEL: func.func @train_step
// CHECK: %[[X0:.*]] = qfa.embedding
// CHECK: %[[N0:.*]] = qfa.rms_norm %[[X0]]
// CHECK: %[[U0:.*]] = qfa.group_pool %[[N0]]
// CHECK: %[[LOSS:.*]], %{{.*}}, %[[DH:.*]] = qfa.cross_entropy
// CHECK-NEXT: %[[DX:.*]] = qfa.rms_norm_grad %[[X:.*]], %{{.*}}, %[[DH]]
// CHECK-NEXT: %[[DB:.*]] = qfa.state_ref @model.layers.1.mlp.down_proj.adapter_b.gradient
// CHECK-NEXT: qfa.accumulate_outer %[[DX]], %[[XA:.*]] into %[[DB]] {scale = 1.000000e+00 : f32}
// CHECK-NEXT: %[[DS:.*]], %[[DXA:.*]] = qfa.linear_grad %[[DX]], %[[W:.*]] : {{.*}} -> tensor<2x8x48xf32>, tensor<2x8x4xf32>
// CHECK-NEXT: %[[DA:.*]] = qfa.state_ref @model.layers.1.mlp.down_proj.adapter_a.gradient
// CHECK-NEXT: qfa.accumulate_outer %[[DXA]], %{{.*}} into %[[DA]] {scale = 2.500000e-01 : f32}
// CHECK-NEXT: %[[DU:.*]] = qfa.adapter_down_grad %[[DXA]], %[[W]]
// CHECK-NEXT: %[[DP:.*]] = qfa.group_unpool %[[DU]]
// CHECK-NEXT: %[[D:.*]] = arith.addf %[[DS]], %[[DP]]
// CHECK-NEXT: qfa.gated_activation_grad silu %{{.*}}, %{{.*}}, %[[D]]

// Tests that no gradient flows below the first adapter, nor to frozen norms and tables.
// CHECK: qfa.accumulate_outer %{{.*}}, %[[U0]] into
// CHECK-NOT: qfa.rms_norm_grad %[[X0]]
// CHECK-NOT: qfa.rms_norm_gain_grad
// CHECK-NOT: qfa.embedding_grad
// CHECK: return %[[LOSS]]

// Tests that evaluation is left alone.
// CHECK-LABEL: func.func @eval_step
// CHECK-NOT: grad
// CHECK: return

// Tests that method full trains every parameter, the tied table from both of its uses into one gradient.
// FULL: qfa.state gradient @model.embed_tokens.weight.gradient : !qfa.buffer<64x32xf32>
// FULL-NEXT: qfa.trainable @model.embed_tokens.weight.trainable of @model.embed_tokens.weight role "value" gradient @model.embed_tokens.weight.gradient : !qfa.trainable<64x32xf32>
// FULL-COUNT-19: qfa.trainable @
// FULL-NOT: qfa.trainable @
// FULL: func.func @train_step
// FULL: %[[LOSS:.*]], %[[LSE:.*]], %[[DH:.*]] = qfa.cross_entropy %[[H:.*]], %[[TABLE:.*]], %[[LABELS:.*]] :
// FULL-NEXT: %[[DT:.*]] = qfa.state_ref @model.embed_tokens.weight.gradient
// FULL-NEXT: qfa.cross_entropy_weight_grad %[[H]], %[[TABLE]], %[[LABELS]], %[[LSE]] into %[[DT]]
// FULL-NEXT: %[[DG:.*]] = qfa.state_ref @model.norm.weight.gradient
// FULL-NEXT: qfa.rms_norm_gain_grad %[[X:.*]], %[[DH]] into %[[DG]]
// FULL: qfa.embedding_grad %{{.*}}, %{{.*}} into %[[DT]]
// FULL-NEXT: return
