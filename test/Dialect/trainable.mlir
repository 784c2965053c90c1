// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.parameter @"lm_head.weight" : tensor<32x16xf32> {storage = f32}
qfa.state gradient @g : !qfa.buffer<32x16xf32>
// CHECK: qfa.trainable @lm_head.weight.trainable of @lm_head.weight role "value" gradient @g : !qfa.trainable<32x16xf32>
qfa.trainable @"lm_head.weight.trainable" of @"lm_head.weight" role "value" gradient @g : !qfa.trainable<32x16xf32>

// Tests the type's example.
// CHECK-LABEL: func.func private @type(!qfa.trainable<16x9xf32>)
func.func private @type(!qfa.trainable<16x9xf32>)
