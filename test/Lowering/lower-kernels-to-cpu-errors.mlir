// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu --split-input-file --verify-diagnostics

// expected-error @below {{kernel computes nothing}}
qfa.kernel @nothing {
^bb0(%x: tensor<8xf32>):
  qfa.yield %x : tensor<8xf32>
}

// -----

// expected-error @below {{kernel holds qfa.rms_norm beside other ops, wanted it alone}}
qfa.kernel @mixed {
^bb0(%x: tensor<1x2x8xf32>, %g: tensor<8xf32>):
  %n = arith.negf %x : tensor<1x2x8xf32>
  %y = qfa.rms_norm %n, %g {epsilon = 1.0e-05 : f32} : tensor<1x2x8xf32>, tensor<8xf32>
  qfa.yield %y : tensor<1x2x8xf32>
}

// -----

qfa.kernel @dropped_result {
^bb0(%h: tensor<1x2x16xf32>, %w: tensor<32x16xf32>, %labels: tensor<1x2xi32>):
  // expected-error @below {{result of type 'tensor<1x2xf32>' is not yielded by its kernel}}
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<1x2x16xf32>, tensor<32x16xf32>, tensor<1x2xi32> -> tensor<1x2xf32>, tensor<1x2xf32>
  qfa.yield %loss : tensor<1x2xf32>
}

// -----

// expected-error @below {{kernel of elementwise ops yields 2 values, wanted 1}}
qfa.kernel @two_results {
^bb0(%x: tensor<8xf32>):
  %a = arith.negf %x : tensor<8xf32>
  %b = arith.mulf %a, %x : tensor<8xf32>
  qfa.yield %a, %b : tensor<8xf32>, tensor<8xf32>
}

// -----

qfa.kernel @no_kernel {
^bb0(%x: tensor<8xf32>):
  // expected-error @below {{no CPU kernel for tensor.cast}}
  %a = tensor.cast %x : tensor<8xf32> to tensor<?xf32>
  qfa.yield %a : tensor<?xf32>
}
