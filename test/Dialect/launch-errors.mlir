// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @launch_c1(%a: tensor<2xf32>) {
  // expected-error @+1 {{names @absent, which is not a qfa.kernel}}
  %b = qfa.launch @absent(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// expected-note @+1 {{declared here}}
qfa.kernel @negate {
^bb0(%a: tensor<2xf32>):
  %b = arith.negf %a : tensor<2xf32>
  qfa.yield %b : tensor<2xf32>
}

func.func @launch_c2(%a: tensor<3xf32>) {
  // expected-error @+1 {{has operands or results of other types than its kernel}}
  %b = qfa.launch @negate(%a) : (tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

// expected-note @+1 {{declared here}}
qfa.kernel @negate {
^bb0(%a: tensor<2xf32>):
  %b = arith.negf %a : tensor<2xf32>
  qfa.yield %b : tensor<2xf32>
}

func.func @launch_c2_results(%a: tensor<2xf32>) {
  // expected-error @+1 {{has operands or results of other types than its kernel}}
  qfa.launch @negate(%a) : (tensor<2xf32>) -> ()
  return
}

// -----

qfa.kernel @negate {
^bb0(%a: tensor<2xf32>):
  %b = arith.negf %a : tensor<2xf32>
  qfa.yield %b : tensor<2xf32>
}

func.func @launch_c3(%a: tensor<2xf32>) {
  // expected-error @+1 {{has 2 offsets for 1 results}}
  %b = qfa.launch @negate(%a) {offsets = array<i64: 0, 64>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
