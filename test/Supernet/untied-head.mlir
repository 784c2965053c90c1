// RUN: qfa-opt %s --qfa-build-supernet="group-size=auto rank=2 embedding-bits=4" | FileCheck %s
// RUN: qfa-opt %s --qfa-build-supernet="group-size=43 rank=2 embedding-bits=4" | FileCheck %s

// Tests that untied tables are two rows without adapters whose group size falls back on the whole row, and that a width without
// a common divisor still finds a group size.
qfa.parameter @wte.weight : tensor<8x67xf32> {storage = f16}
qfa.parameter @h.0.proj.weight : tensor<67x172xf32> {storage = f16}
qfa.parameter @lm_head.weight : tensor<8x67xf32> {storage = f16}
// CHECK: qfa.site @wte.site bits [4]
// CHECK-NEXT: qfa.elastic @wte of @wte.weight at @wte.site : !qfa.elastic<8x67, bits = [4], group = 67, rank = 0, scales = f32>
// CHECK-NEXT: qfa.site @lm_head.site bits [4]
// CHECK-NEXT: qfa.elastic @lm_head of @lm_head.weight at @lm_head.site : !qfa.elastic<8x67, bits = [4], group = 67, rank = 0, scales = f32>
// CHECK-NEXT: qfa.site @h.0.proj.site bits [2, 3, 4]
// CHECK-NEXT: qfa.elastic @h.0.proj of @h.0.proj.weight at @h.0.proj.site : !qfa.elastic<67x172, bits = [2, 3, 4], group = 43, rank = 2, scales = f32>
func.func @forward(%ids: tensor<?x?xi32>, %x: tensor<?x?x172xf32>) -> tensor<?x?x8xf32> {
  %wte = qfa.weight @wte.weight : tensor<8x67xf32>
  %e = qfa.embedding %ids, %wte : tensor<?x?xi32>, tensor<8x67xf32> -> tensor<?x?x67xf32>
  %w = qfa.weight @h.0.proj.weight : tensor<67x172xf32>
  %y = qfa.linear %x, %w : tensor<?x?x172xf32>, tensor<67x172xf32> -> tensor<?x?x67xf32>
  %z = arith.addf %e, %y : tensor<?x?x67xf32>
  %head = qfa.weight @lm_head.weight : tensor<8x67xf32>
  // CHECK: qfa.linear %{{.*}}, %{{.*}} : tensor<?x?x67xf32>, !qfa.elastic<8x67,
  %logits = qfa.linear %z, %head : tensor<?x?x67xf32>, tensor<8x67xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
