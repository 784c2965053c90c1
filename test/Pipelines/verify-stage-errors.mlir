// RUN: qfa-opt %s --qfa-verify-stage=stage=kernels --split-input-file --verify-diagnostics

func.func @left_behind(%x: tensor<1x1x8xf32>) -> tensor<1x1x8xf32> {
  // expected-error @below {{'arith.negf' is not a launch}}
  // expected-note @below {{--qfa-outline-kernels should have dealt with it}}
  %y = arith.negf %x : tensor<1x1x8xf32>
  return %y : tensor<1x1x8xf32>
}

// -----

qfa.kernel @k {
^bb0(%x: tensor<4xf32>):
  qfa.yield %x : tensor<4xf32>
}
func.func @not_planned(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has no place in the arena}}
  // expected-note @below {{--qfa-plan-memory should have dealt with it}}
  %y = qfa.launch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
