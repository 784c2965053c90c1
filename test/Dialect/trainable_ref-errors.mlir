// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @trainable_ref_c1() {
  // expected-error @+1 {{names @absent, which is not a qfa.trainable}}
  %t = qfa.trainable_ref @absent : !qfa.trainable<16xf32>
  return
}

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// expected-note @+1 {{declared here}}
qfa.trainable @t of @w role "adapter_a" gradient @g : !qfa.trainable<3x4xf32>

func.func @trainable_ref_c1_type() {
  // expected-error @+1 {{has type '!qfa.trainable<4x3xf32>', its symbol has '!qfa.trainable<3x4xf32>'}}
  %t = qfa.trainable_ref @t : !qfa.trainable<4x3xf32>
  return
}
