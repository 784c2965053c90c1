// RUN: qfa-opt %s --qfa-outline-kernels --split-input-file | FileCheck %s

// Tests that equal ops share one kernel, whatever their operands.
// CHECK-LABEL: func.func @two_layers
// CHECK: %[[A:.*]] = qfa.launch @[[NORM:rms_norm_1x2x8_8]](%arg0, %{{.*}})
// CHECK: qfa.launch @[[NORM]](%[[A]], %{{.*}})
// CHECK: qfa.kernel @[[NORM]] {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<1x2x8xf32>, %[[G:.*]]: tensor<8xf32>):
// CHECK-NEXT: %[[Y:.*]] = qfa.rms_norm %[[X]], %[[G]]
// CHECK-NEXT: qfa.yield %[[Y]]
// CHECK-NOT: qfa.kernel
qfa.parameter @a : tensor<8xf32> {storage = f32}
qfa.parameter @b : tensor<8xf32> {storage = f32}
func.func @two_layers(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %a = qfa.weight @a : tensor<8xf32>
  %b = qfa.weight @b : tensor<8xf32>
  %y = qfa.rms_norm %x, %a {epsilon = 1.0e-05 : f32} : tensor<1x2x8xf32>, tensor<8xf32>
  %z = qfa.rms_norm %y, %b {epsilon = 1.0e-05 : f32} : tensor<1x2x8xf32>, tensor<8xf32>
  return %z : tensor<1x2x8xf32>
}

// -----

// Tests that another attribute makes another kernel.
// CHECK-LABEL: func.func @epsilons
// CHECK: qfa.launch @rms_norm_1x2x8_8{{[^(]*}}(
// CHECK: qfa.kernel
// CHECK: epsilon = 9.99{{.*}}
// CHECK: qfa.kernel
// CHECK: epsilon = 9.99{{.*}}
func.func @epsilons(%x: tensor<1x2x8xf32>, %g: tensor<8xf32>) -> tensor<1x2x8xf32> {
  %y = qfa.rms_norm %x, %g {epsilon = 1.0e-05 : f32} : tensor<1x2x8xf32>, tensor<8xf32>
  %z = qfa.rms_norm %y, %g {epsilon = 1.0e-06 : f32} : tensor<1x2x8xf32>, tensor<8xf32>
  return %z : tensor<1x2x8xf32>
}

// -----

// Tests that elementwise ops whose every user is in the kernel join it, with their constants, and others do not.
// CHECK-LABEL: func.func @elementwise
// CHECK: %[[S:.*]] = qfa.launch @[[FIRST:.*]](%arg0, %arg1)
// CHECK: %[[T:.*]] = qfa.launch @[[SECOND:.*]](%[[S]], %arg1)
// CHECK-NOT: arith
// CHECK: return %[[S]], %[[T]]
// CHECK: qfa.kernel @[[SECOND]]
// CHECK: arith.constant dense<2.0
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: qfa.kernel @[[FIRST]]
// CHECK: arith.addf
func.func @elementwise(%a: tensor<1x2x8xf32>, %b: tensor<1x2x8xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %two = arith.constant dense<2.0> : tensor<1x2x8xf32>
  %s = arith.addf %a, %b : tensor<1x2x8xf32>
  %m = arith.mulf %s, %two : tensor<1x2x8xf32>
  %t = arith.addf %m, %b : tensor<1x2x8xf32>
  return %s, %t : tensor<1x2x8xf32>, tensor<1x2x8xf32>
}
