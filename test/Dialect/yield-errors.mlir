// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @parent() {
  // expected-error @+1 {{expects parent op 'qfa.kernel'}}
  qfa.yield
}
