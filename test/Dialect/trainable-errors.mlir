// RUN: qfa-opt %s -split-input-file -verify-diagnostics

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// trainable_c1: the source exists
// expected-error @+1 {{names @absent, which is not a qfa.parameter}}
qfa.trainable @trainable_c1 of @absent role "value" gradient @g : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// trainable_c1: the source is of the kind that the role needs
// expected-error @+1 {{names @p, which is not a qfa.elastic}}
qfa.trainable @trainable_c1_kind of @p role "adapter_a" gradient @g : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// trainable_c1: a known role
// expected-error @+1 {{has role 'zeros', wanted adapter_a, adapter_b or value}}
qfa.trainable @trainable_c1_role of @w role "zeros" gradient @g : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// trainable_c1: the matrix's shape
// expected-error @+1 {{has type '!qfa.trainable<3x4xf32>', its source is 'tensor<4x3xf32>'}}
qfa.trainable @trainable_c1_shape of @w role "adapter_b" gradient @g : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// trainable_c2: the gradient exists
// expected-error @+1 {{names @absent, which is not a qfa.state}}
qfa.trainable @trainable_c2 of @w role "adapter_a" gradient @absent : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// expected-note @+1 {{declared here}}
qfa.state cache @keys : !qfa.buffer<3x4xf32>
// trainable_c2: the gradient is one
// expected-error @+1 {{has a gradient that is not a gradient state of its type}}
qfa.trainable @trainable_c2_kind of @w role "adapter_a" gradient @keys : !qfa.trainable<3x4xf32>

// -----

qfa.parameter @p : tensor<4x8xf32> {storage = f32}
qfa.site @s bits [2]
qfa.elastic @w of @p at @s : !qfa.elastic<4x8, bits = [2], group = 2, rank = 3, scales = f32>
qfa.state gradient @g : !qfa.buffer<3x4xf32>
// expected-note @+1 {{declared here}}
qfa.state gradient @small : !qfa.buffer<3xf32>
// trainable_c2: the gradient has the shape
// expected-error @+1 {{has a gradient that is not a gradient state of its type}}
qfa.trainable @trainable_c2_shape of @w role "adapter_a" gradient @small : !qfa.trainable<3x4xf32>
