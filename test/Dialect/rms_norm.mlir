// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @rms_norm
func.func @rms_norm(%x: tensor<2x8x16xf32>, %gain: tensor<16xf32>) {
  // CHECK: %{{.*}} = qfa.rms_norm %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  %y = qfa.rms_norm %x, %gain {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x16xf32>, %gain: tensor<16xf32>) {
  // CHECK: %{{.*}} = qfa.rms_norm %{{.*}}, %{{.*}} {epsilon = 0.000000e+00 : f32} : tensor<?x?x16xf32>, tensor<16xf32>
  %y = qfa.rms_norm %x, %gain {epsilon = 0.0 : f32} : tensor<?x?x16xf32>, tensor<16xf32>
  return
}
