// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @weight_c1() {
  // expected-error @+1 {{names @absent, which is not a qfa.parameter}}
  %w = qfa.weight @absent : tensor<4xf32>
  return
}

// -----

// expected-note @+1 {{declared here}}
qfa.parameter @w : tensor<4xf32> {storage = f32}

func.func @weight_c1_type() {
  // expected-error @+1 {{has type 'tensor<5xf32>', its symbol has 'tensor<4xf32>'}}
  %w = qfa.weight @w : tensor<5xf32>
  return
}
