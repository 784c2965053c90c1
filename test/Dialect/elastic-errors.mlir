// RUN: qfa-opt %s -split-input-file -verify-diagnostics

qfa.site @s bits [2]
// elastic_c1: the parameter exists
// expected-error @+1 {{names @absent, which is not a qfa.parameter}}
qfa.elastic @elastic_c1 of @absent at @s : !qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>

// -----

qfa.site @s bits [2]
// expected-note @+1 {{declared here}}
qfa.parameter @p : tensor<4x8xf32> {storage = f32}
// elastic_c1: the parameter has the shape
// expected-error @+1 {{has type '!qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>', its symbol has 'tensor<4x8xf32>'}}
qfa.elastic @elastic_c1_shape of @p at @s : !qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>

// -----

qfa.parameter @p : tensor<4x4xf32> {storage = f32}
// elastic_c2: the site exists
// expected-error @+1 {{names @absent, which is not a qfa.site}}
qfa.elastic @elastic_c2 of @p at @absent : !qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>

// -----

qfa.parameter @p : tensor<4x4xf32> {storage = f32}
// expected-note @+1 {{the site is declared here}}
qfa.site @s bits [2, 4]
// elastic_c2: the site has the widths
// expected-error @+1 {{has bit widths other than its site's}}
qfa.elastic @elastic_c2_bits of @p at @s : !qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = f32>

// -----

// The type: two dimensions
// expected-error @+1 {{an elastic weight has 2 dimensions, found 1}}
func.func private @type(!qfa.elastic<4, bits = [2], group = 4, rank = 0, scales = f32>)

// -----

// The type: no empty dimension
// expected-error @+1 {{elastic weight 0x4 has an empty dimension}}
func.func private @type(!qfa.elastic<0x4, bits = [2], group = 4, rank = 0, scales = f32>)

// -----

// The type: whole groups
// expected-error @+1 {{group size 48 does not divide input width 100}}
func.func private @type(!qfa.elastic<4x100, bits = [2], group = 48, rank = 0, scales = f32>)

// -----

// The type: a group is not empty
// expected-error @+1 {{group size 0 does not divide input width 100}}
func.func private @type(!qfa.elastic<4x100, bits = [2], group = 0, rank = 0, scales = f32>)

// -----

// The type: rank
// expected-error @+1 {{adapter rank -1 is negative}}
func.func private @type(!qfa.elastic<4x4, bits = [2], group = 4, rank = -1, scales = f32>)

// -----

// The type: some width
// expected-error @+1 {{an elastic weight needs at least one bit width}}
func.func private @type(!qfa.elastic<4x4, bits = [], group = 4, rank = 0, scales = f32>)

// -----

// The type: packed widths
// expected-error @+1 {{bit width 5 is not one of 2, 3, 4, 8}}
func.func private @type(!qfa.elastic<4x4, bits = [5], group = 4, rank = 0, scales = f32>)

// -----

// The type: ascending widths
// expected-error @+1 {{bit widths must ascend, found 3 before 2}}
func.func private @type(!qfa.elastic<4x4, bits = [3, 2], group = 4, rank = 0, scales = f32>)

// -----

// The type: scales
// expected-error @+1 {{scales are f32 or f16, found 'bf16'}}
func.func private @type(!qfa.elastic<4x4, bits = [2], group = 4, rank = 0, scales = bf16>)
