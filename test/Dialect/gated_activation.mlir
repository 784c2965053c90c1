// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @gated_activation
func.func @gated_activation(%gate: tensor<2x8x32xf32>, %up: tensor<2x8x32xf32>) {
  // CHECK: %{{.*}} = qfa.gated_activation  silu %{{.*}}, %{{.*}} : tensor<2x8x32xf32>
  %y = qfa.gated_activation silu %gate, %up : tensor<2x8x32xf32>
  // CHECK: %{{.*}} = qfa.gated_activation  gelu %{{.*}}, %{{.*}} : tensor<2x8x32xf32>
  %y1 = qfa.gated_activation gelu %gate, %up : tensor<2x8x32xf32>
  // CHECK: %{{.*}} = qfa.gated_activation  gelu_tanh %{{.*}}, %{{.*}} : tensor<2x8x32xf32>
  %y2 = qfa.gated_activation gelu_tanh %gate, %up : tensor<2x8x32xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%gate: tensor<?x?x32xf32>, %up: tensor<?x?x32xf32>) {
  // CHECK: %{{.*}} = qfa.gated_activation  silu %{{.*}}, %{{.*}} : tensor<?x?x32xf32>
  %y = qfa.gated_activation silu %gate, %up : tensor<?x?x32xf32>
  return
}
