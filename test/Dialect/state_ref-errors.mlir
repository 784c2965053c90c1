// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @state_ref_c1() {
  // expected-error @+1 {{names @absent, which is not a qfa.state}}
  %g = qfa.state_ref @absent : !qfa.buffer<16xf32>
  return
}

// -----

// expected-note @+1 {{declared here}}
qfa.state gradient @g : !qfa.buffer<16xf32>

func.func @state_ref_c1_type() {
  // expected-error @+1 {{has type '!qfa.buffer<4x4xf32>', its symbol has '!qfa.buffer<16xf32>'}}
  %g = qfa.state_ref @g : !qfa.buffer<4x4xf32>
  return
}
