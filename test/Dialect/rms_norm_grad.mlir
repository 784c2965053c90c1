// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @rms_norm_grad
func.func @rms_norm_grad(%x: tensor<2x8x16xf32>, %gain: tensor<16xf32>, %dy: tensor<2x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.rms_norm_grad %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  %dx = qfa.rms_norm_grad %x, %gain, %dy {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  // CHECK: %{{.*}} = qfa.rms_norm_grad %{{.*}}, %{{.*}}, %{{.*}} plus %{{.*}} : tensor<2x8x16xf32> {epsilon = 9.99999974E-6 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  %dz = qfa.rms_norm_grad %x, %gain, %dy plus %dx : tensor<2x8x16xf32> {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  return
}
