// RUN: qfa-opt %s -split-input-file -verify-diagnostics

// kernel_c1
// expected-error @+1 {{body does not end with qfa.yield}}
qfa.kernel @kernel_c1 {
^bb0(%a: tensor<2xf32>):
  %b = arith.negf %a : tensor<2xf32>
}
