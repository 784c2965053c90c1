// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @group_unpool
func.func @group_unpool(%u: tensor<2x8x2xf32>) {
  // CHECK: %{{.*}} = qfa.group_unpool %{{.*}} {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %x = qfa.group_unpool %u {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  return
}

// CHECK-LABEL: func.func @addend
func.func @addend(%u: tensor<2x8x2xf32>, %a: tensor<2x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.group_unpool %{{.*}} plus %{{.*}} : tensor<2x8x16xf32> {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %x = qfa.group_unpool %u plus %a : tensor<2x8x16xf32> {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  return
}
