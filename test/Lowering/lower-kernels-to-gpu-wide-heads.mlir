// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=bf16" | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f32" --verify-diagnostics

// Tests that rows of heads which do not fit into shared memory as unrounded factors are refused, and that rounded ones
// do fit.
// CHECK-LABEL: qfa.gpu_kernel @backward
// CHECK: qfa.gpu_launch @kernels::@backward__keys
// CHECK: qfa.gpu_launch @kernels::@backward__values
// CHECK: qfa.gpu_launch @kernels::@backward__queries
qfa.kernel @backward {
^bb0(%q: tensor<1x40x256xf32>, %lse: tensor<1x1x40xf32>):
  // expected-error @below {{GPU function 'backward__keys' needs 50432 bytes of shared memory a block, wanted at most 49152}}
  %dq, %dk, %dv = qfa.attention_grad %q, %q, %q, %q, %lse, %q {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.0625 : f32}
      : tensor<1x40x256xf32>, tensor<1x40x256xf32>, tensor<1x1x40xf32>
  qfa.yield %dq, %dk, %dv : tensor<1x40x256xf32>, tensor<1x40x256xf32>, tensor<1x40x256xf32>
}
