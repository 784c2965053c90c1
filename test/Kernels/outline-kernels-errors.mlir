// RUN: qfa-opt %s --qfa-outline-kernels --split-input-file --verify-diagnostics

func.func @dynamic(%x: tensor<?x2x8xf32>, %g: tensor<8xf32>) -> tensor<?x2x8xf32> {
  // expected-error @below {{has dynamic shape 'tensor<?x2x8xf32>', kernels need static shapes (--qfa-build-functions)}}
  %y = qfa.rms_norm %x, %g {epsilon = 1.0e-05 : f32} : tensor<?x2x8xf32>, tensor<8xf32>
  return %y : tensor<?x2x8xf32>
}

// -----

// expected-error @below {{has 2 blocks, wanted straight-line code}}
func.func @branch(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  cf.br ^next
^next:
  return %x : tensor<1x2x8xf32>
}
