// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @adamw_c1(%t: !qfa.trainable<16x9xf32>, %g: !qfa.buffer<9x16xf32>, %hyper: tensor<8xf32>) {
  // expected-error @+1 {{gradient is '!qfa.buffer<9x16xf32>', trainable is '!qfa.trainable<16x9xf32>'}}
  qfa.adamw %t, %g, %hyper : !qfa.trainable<16x9xf32>, !qfa.buffer<9x16xf32>, tensor<8xf32>
  return
}

// -----

func.func @adamw_c2(%t: !qfa.trainable<16x9xf32>, %g: !qfa.buffer<16x9xf32>, %hyper: tensor<7xf32>) {
  // expected-error @+1 {{hyper has shape [7], wanted [8]}}
  qfa.adamw %t, %g, %hyper : !qfa.trainable<16x9xf32>, !qfa.buffer<16x9xf32>, tensor<7xf32>
  return
}
