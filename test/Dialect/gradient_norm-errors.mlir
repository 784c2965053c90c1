// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @gradient_norm_c1(%g: !qfa.buffer<16xf32>) {
  // expected-error @+1 {{result has shape [2], wanted [1]}}
  %n = qfa.gradient_norm %g : !qfa.buffer<16xf32> -> tensor<2xf32>
  return
}
