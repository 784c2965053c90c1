// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @gated_activation_grad
func.func @gated_activation_grad(%gate: tensor<2x8x32xf32>, %up: tensor<2x8x32xf32>, %dy: tensor<2x8x32xf32>) {
  // CHECK: %{{.*}} = qfa.gated_activation_grad  silu %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x32xf32>
  %dgate, %dup = qfa.gated_activation_grad silu %gate, %up, %dy : tensor<2x8x32xf32>
  return
}
