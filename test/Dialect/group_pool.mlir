// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @group_pool
func.func @group_pool(%x: tensor<2x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.group_pool %{{.*}} {group = 8 : i64} : tensor<2x8x16xf32> -> tensor<2x8x2xf32>
  %u = qfa.group_pool %x {group = 8 : i64} : tensor<2x8x16xf32> -> tensor<2x8x2xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x16xf32>) {
  // CHECK: %{{.*}} = qfa.group_pool %{{.*}} {group = 8 : i64} : tensor<?x?x16xf32> -> tensor<?x?x2xf32>
  %u = qfa.group_pool %x {group = 8 : i64} : tensor<?x?x16xf32> -> tensor<?x?x2xf32>
  return
}
