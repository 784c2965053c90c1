// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK: qfa.site @model.layers.0.self_attn.qkv bits [2, 3, 4]
qfa.site @"model.layers.0.self_attn.qkv" bits [2, 3, 4]
// CHECK: qfa.site @lm_head bits [8]
qfa.site @lm_head bits [8]
