// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @rms_norm_gain_grad
func.func @rms_norm_gain_grad(%x: tensor<2x8x16xf32>, %dy: tensor<2x8x16xf32>, %g: !qfa.buffer<16xf32>) {
  // CHECK: qfa.rms_norm_gain_grad %{{.*}}, %{{.*}} into %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<2x8x16xf32>, <16xf32>
  qfa.rms_norm_gain_grad %x, %dy into %g {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, !qfa.buffer<16xf32>
  return
}
