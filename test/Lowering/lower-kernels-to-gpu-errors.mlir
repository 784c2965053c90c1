// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu --split-input-file --verify-diagnostics

// Tests that a kernel without an op of its own or elementwise ops is refused, by the name of the device.
// expected-error @below {{kernel computes nothing}}
qfa.kernel @nothing {
^bb0(%x: tensor<8xf32>):
  qfa.yield %x : tensor<8xf32>
}

// -----

// Tests that an op without a GPU kernel is named.
qfa.kernel @no_kernel {
^bb0(%x: tensor<8xf32>):
  // expected-error @below {{no GPU kernel for tensor.cast}}
  %a = tensor.cast %x : tensor<8xf32> to tensor<?xf32>
  qfa.yield %a : tensor<?xf32>
}
