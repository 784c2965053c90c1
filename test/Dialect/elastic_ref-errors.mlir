// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @elastic_ref_c1() {
  // expected-error @+1 {{names @absent, which is not a qfa.elastic}}
  %w = qfa.elastic_ref @absent : !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>
  return
}

// -----

qfa.parameter @p : tensor<4x4xf32> {storage = f32}
qfa.site @s bits [2]
// expected-note @+1 {{declared here}}
qfa.elastic @w of @p at @s : !qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>

func.func @elastic_ref_c1_type() {
  // expected-error @+1 {{has type '!qfa.elastic<4x4, bits = [2], group = 2, rank = 0, scales = f32>', its symbol has '!qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>'}}
  %w = qfa.elastic_ref @w : !qfa.elastic<4x4, bits = [2], group = 2, rank = 0, scales = f32>
  return
}
