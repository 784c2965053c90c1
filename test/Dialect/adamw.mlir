// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @adamw
func.func @adamw(%t: !qfa.trainable<16x9xf32>, %g: !qfa.buffer<16x9xf32>, %hyper: tensor<8xf32>) {
  // CHECK: qfa.adamw %{{.*}}, %{{.*}}, %{{.*}} : <16x9xf32>, <16x9xf32>, tensor<8xf32>
  qfa.adamw %t, %g, %hyper : !qfa.trainable<16x9xf32>, !qfa.buffer<16x9xf32>, tensor<8xf32>
  return
}
