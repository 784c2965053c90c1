// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @rope
func.func @rope(%x: tensor<1x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.rope %{{.*}} {inverse_frequencies = dense<[1.000000e+00, 1.000000e-02]> : tensor<2xf64>, num_heads = 2 : i64} : tensor<1x8x16xf32>
  %y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, scaling = 1.0 : f32} : tensor<1x8x16xf32>
  return
}

// CHECK-LABEL: func.func @position
func.func @position(%x: tensor<1x8x16xf32>, %position: tensor<1xi32>) {
  // CHECK: %{{.*}} = qfa.rope %{{.*}} at %{{.*}} : tensor<1xi32> {interleaved, inverse, inverse_frequencies = dense<[1.000000e+00, 1.000000e-02]> : tensor<2xf64>, num_heads = 4 : i64} : tensor<1x8x16xf32>
  %y = qfa.rope %x at %position : tensor<1xi32> {num_heads = 4 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, interleaved, inverse} : tensor<1x8x16xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x?x16xf32>) {
  // CHECK: %{{.*}} = qfa.rope %{{.*}} {inverse_frequencies = dense<[1.000000e+00, 1.000000e-02]> : tensor<2xf64>, num_heads = 2 : i64, scaling = 1.500000e+00 : f32} : tensor<?x?x16xf32>
  %y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, scaling = 1.5 : f32} : tensor<?x?x16xf32>
  return
}
