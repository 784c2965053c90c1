// RUN: qfa-opt %s --qfa-lower-program --split-input-file --verify-diagnostics

func.func @not_outlined(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{is not a launch; entries hold launches only}}
  // expected-note @below {{--qfa-outline-kernels outlines ops with a kernel}}
  %y = arith.negf %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

qfa.kernel @k {
^bb0(%x: tensor<4xf32>):
  qfa.yield %x : tensor<4xf32>
}
func.func @not_planned(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has no place in the arena (--qfa-plan-memory)}}
  %y = qfa.launch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
