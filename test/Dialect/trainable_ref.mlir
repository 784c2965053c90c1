// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.parameter @"lm_head.weight" : tensor<32x16xf32> {storage = f32}
qfa.state gradient @g : !qfa.buffer<32x16xf32>
qfa.trainable @"lm_head.weight.trainable" of @"lm_head.weight" role "value" gradient @g : !qfa.trainable<32x16xf32>

// CHECK-LABEL: func.func @trainable_ref
func.func @trainable_ref() {
  // CHECK: %{{.*}} = qfa.trainable_ref @lm_head.weight.trainable : <32x16xf32>
  %t = qfa.trainable_ref @"lm_head.weight.trainable" : !qfa.trainable<32x16xf32>
  return
}
