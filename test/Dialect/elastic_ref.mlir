// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.parameter @"lm_head.weight" : tensor<32x16xf32> {storage = f32}
qfa.site @head bits [8]
qfa.elastic @"lm_head" of @"lm_head.weight" at @head : !qfa.elastic<32x16, bits = [8], group = 8, rank = 0, scales = f32>

// CHECK-LABEL: func.func @elastic_ref
func.func @elastic_ref() {
  // CHECK: %{{.*}} = qfa.elastic_ref @lm_head : <32x16, bits = [8], group = 8, rank = 0, scales = f32>
  %w = qfa.elastic_ref @"lm_head" : !qfa.elastic<32x16, bits = [8], group = 8, rank = 0, scales = f32>
  return
}
