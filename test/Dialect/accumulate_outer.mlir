// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @accumulate_outer
func.func @accumulate_outer(%dy: tensor<2x8x32xf32>, %x: tensor<2x8x16xf32>, %g: !qfa.buffer<32x16xf32>) {
  // CHECK: qfa.accumulate_outer %{{.*}}, %{{.*}} into %{{.*}} {scale = 1.000000e+00 : f32} : tensor<2x8x32xf32>, tensor<2x8x16xf32>, <32x16xf32>
  qfa.accumulate_outer %dy, %x into %g {scale = 1.0 : f32} : tensor<2x8x32xf32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>
  return
}
