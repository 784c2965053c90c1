// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @adapter_down
func.func @adapter_down(%u: tensor<2x8x2xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // CHECK: %{{.*}} = qfa.adapter_down %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f32} : tensor<2x8x2xf32>, <32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x4xf32>
  %xa = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<2x8x2xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x4xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%u: tensor<?x?x2xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>) {
  // CHECK: %{{.*}} = qfa.adapter_down %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f32} : tensor<?x?x2xf32>, <32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x4xf32>
  %xa = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<?x?x2xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x4xf32>
  return
}
