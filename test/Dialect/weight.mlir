// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.parameter @"lm_head.weight" : tensor<2048x128xf32> {storage = f32}

// CHECK-LABEL: func.func @weight
func.func @weight() -> tensor<2048x128xf32> {
  // CHECK: %{{.*}} = qfa.weight @lm_head.weight : tensor<2048x128xf32>
  %w = qfa.weight @"lm_head.weight" : tensor<2048x128xf32>
  return %w : tensor<2048x128xf32>
}
