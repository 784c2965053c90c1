// RUN: qfa-interpret %s --input '[[[1, -2]]]' --print-states | FileCheck %s

// Tests that a kernel gets tensors, weights and memory, and hands its results back, when it is launched twice.
qfa.parameter @p : tensor<2x2xf32> {storage = f32}
qfa.state gradient @g : !qfa.buffer<2x2xf32>

qfa.kernel @double {
^bb0(%x: tensor<1x1x2xf32>):
  %y = arith.addf %x, %x : tensor<1x1x2xf32>
  qfa.yield %y : tensor<1x1x2xf32>
}
qfa.kernel @outer {
^bb0(%x: tensor<1x1x2xf32>, %into: !qfa.buffer<2x2xf32>):
  qfa.accumulate_outer %x, %x into %into {scale = 1.0 : f32} : tensor<1x1x2xf32>, tensor<1x1x2xf32>, !qfa.buffer<2x2xf32>
  qfa.yield
}

func.func @main(%x: tensor<1x1x2xf32>) -> tensor<1x1x2xf32> {
  %y = qfa.launch @double(%x) {offsets = array<i64: 0>} : (tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  %z = qfa.launch @double(%y) {offsets = array<i64: 0>} : (tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  %g = qfa.state_ref @g : !qfa.buffer<2x2xf32>
  qfa.launch @outer(%x, %g) : (tensor<1x1x2xf32>, !qfa.buffer<2x2xf32>) -> ()
  qfa.launch @outer(%y, %g) : (tensor<1x1x2xf32>, !qfa.buffer<2x2xf32>) -> ()
  return %z : tensor<1x1x2xf32>
}

// CHECK: main 0: {{\[\[\[}}4, -8]]]
// CHECK: state g: {{\[\[}}5, -10], [-10, 20]]
