// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<2x8x16xf32>, %w: tensor<32x16xf32>) {
  // CHECK: %{{.*}} = qfa.linear %{{.*}}, %{{.*}} : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
  %y = qfa.linear %x, %w : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
  return
}

// CHECK-LABEL: func.func @adapter
func.func @adapter(%x: tensor<2x8x16xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, %xa: tensor<2x8x4xf32>) {
  // CHECK: %{{.*}} = qfa.linear %{{.*}}, %{{.*}} adapter(%{{.*}} : tensor<2x8x4xf32>) : tensor<2x8x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x32xf32>
  %y = qfa.linear %x, %w adapter(%xa : tensor<2x8x4xf32>) : tensor<2x8x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x32xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x16xf32>, %w: !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32>, %xa: tensor<?x?x4xf32>) {
  // CHECK: %{{.*}} = qfa.linear %{{.*}}, %{{.*}} adapter(%{{.*}} : tensor<?x?x4xf32>) : tensor<?x?x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x32xf32>
  %y = qfa.linear %x, %w adapter(%xa : tensor<?x?x4xf32>) : tensor<?x?x16xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<?x?x32xf32>
  return
}
