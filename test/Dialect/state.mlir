// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK: qfa.state  gradient @model.norm.weight.gradient : !qfa.buffer<16xf32>
qfa.state gradient @"model.norm.weight.gradient" : !qfa.buffer<16xf32>
// CHECK: qfa.state  cache @attention.0.keys : !qfa.buffer<64x8xf32>
qfa.state cache @"attention.0.keys" : !qfa.buffer<64x8xf32>

// Tests the type's example, and a buffer of rank 0.
// CHECK-LABEL: func.func private @type(!qfa.buffer<16x9xf32>, !qfa.buffer<f32>)
func.func private @type(!qfa.buffer<16x9xf32>, !qfa.buffer<f32>)
