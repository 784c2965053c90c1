// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="batch=2 sequence=8 functions=train_step" --qfa-differentiate=method=full -o %t.mlir
// RUN: qfa-opt %t.mlir --qfa-plan-recompute | FileCheck %s --check-prefix=KEEP
// RUN: qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=53824" | FileCheck %s --check-prefix=KEEP
// RUN: qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=53823" | FileCheck %s --check-prefix=CHEAP
// RUN: qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=37439" | FileCheck %s --check-prefix=BLOCKS
// RUN: qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=37439" --cse --qfa-plan-recompute="activation-memory=1" | grep -c qfa.recomputed | FileCheck %s --check-prefix=COUNT
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-plan-recompute="activation-memory=1" | FileCheck %s --check-prefix=NOTHING

// Tests that everything is kept when it fits. Floats per token: in each of two layers both norms, their inputs and attention's
// result 5 x 32, q 32, k and v 2 x 16, denominators 4, gate, up and their product 3 x 48; the last norm, its input, the loss's
// gradient 3 x 32 and denominator 1. That is 841 for each of 16 tokens.
// KEEP: @train_step({{.*}}) -> tensor<2x8xf32> attributes {qfa.recompute_level = 0 : i64, qfa.saved_bytes = 53824 : i64}
// KEEP-NOT: qfa.recomputed

// Tests that norms and products of gates are computed again just before their first use, rotations (whose inputs are not
// saved) are not. Two norms and a product per layer and the last norm are 5 x 32 + 2 x 48 floats a token less.
// CHEAP: attributes {qfa.recompute_level = 1 : i64, qfa.saved_bytes = 37440 : i64}
// CHEAP-NOT: qfa.recomputed
// CHEAP: %[[GAIN:.*]] = qfa.weight @model.norm.weight
// CHEAP-NEXT: %{{.*}} = qfa.rms_norm %[[X:.*]], %[[GAIN]]
// CHEAP-NEXT: %[[LOSS:.*]], %[[LSE:.*]], %{{.*}} = qfa.cross_entropy
// CHEAP-NEXT: qfa.state_ref @model.embed_tokens.weight.gradient
// CHEAP-NEXT: %[[AGAIN:.*]] = qfa.rms_norm %[[X]], %[[GAIN]] {epsilon = {{.*}}, qfa.recomputed}
// CHEAP-NEXT: qfa.cross_entropy_weight_grad %[[AGAIN]], %{{.*}}, %{{.*}}, %[[LSE]]
// CHEAP-NOT: qfa.rope {{.*}}qfa.recomputed
// CHEAP-COUNT-6: qfa.recomputed
// CHEAP-NOT: qfa.recomputed
// CHEAP: return %[[LOSS]]

// Tests that only the inputs of the two blocks are kept (and the loss's gradient and denominators), that a block is computed
// again from its input, and that the embedding, which is the first one's, is not.
// BLOCKS: attributes {qfa.recompute_level = 2 : i64, qfa.saved_bytes = 6208 : i64}
// BLOCKS: %[[X0:.*]] = qfa.embedding
// BLOCKS: %[[H0:.*]] = arith.addf %[[X0]]
// BLOCKS: %[[X1:.*]] = arith.addf %[[H0]]
// BLOCKS: qfa.cross_entropy
// BLOCKS: %[[N1:.*]] = qfa.rms_norm %[[X1]], %{{.*}} {epsilon = {{.*}}, qfa.recomputed}
// BLOCKS: %[[Q:.*]] = qfa.linear %[[N1]], %{{.*}} {qfa.recomputed}
// BLOCKS: qfa.attention {{.*}}qfa.recomputed
// BLOCKS: qfa.cross_entropy_weight_grad
// BLOCKS: qfa.rms_norm_grad %[[X1]]
// BLOCKS: qfa.rms_norm %[[X0]], %{{.*}} {epsilon = {{.*}}, qfa.recomputed}
// BLOCKS-NOT: qfa.embedding %

// Tests that neither an elimination of common subexpressions undoes a plan nor a second run changes it.
// COUNT: 29

// Tests that a module without a training step is left alone.
// NOTHING-NOT: qfa.recompute_level
