// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @select_token
func.func @select_token(%x: tensor<1x8x16xf32>, %index: tensor<1xi32>) {
  // CHECK: %{{.*}} = qfa.select_token %{{.*}} at %{{.*}} : tensor<1x8x16xf32>, tensor<1xi32> -> tensor<1x1x16xf32>
  %y = qfa.select_token %x at %index : tensor<1x8x16xf32>, tensor<1xi32> -> tensor<1x1x16xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x16xf32>, %index: tensor<1xi32>) {
  // CHECK: %{{.*}} = qfa.select_token %{{.*}} at %{{.*}} : tensor<?x?x16xf32>, tensor<1xi32> -> tensor<?x1x16xf32>
  %y = qfa.select_token %x at %index : tensor<?x?x16xf32>, tensor<1xi32> -> tensor<?x1x16xf32>
  return
}
