// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @gradient_norm
func.func @gradient_norm(%g: !qfa.buffer<1024xf32>) {
  // CHECK: %{{.*}} = qfa.gradient_norm %{{.*}} : <1024xf32> -> tensor<1xf32>
  %n = qfa.gradient_norm %g : !qfa.buffer<1024xf32> -> tensor<1xf32>
  return
}
