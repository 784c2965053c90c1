// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=bf16" --split-input-file --verify-diagnostics | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f32" --split-input-file --verify-diagnostics | FileCheck %s

// Tests that tiles of wide heads lie in dynamic memory, of which every card has 99 KiB.
// CHECK-LABEL: qfa.gpu_kernel @backward
// CHECK: qfa.gpu_launch @kernels::@backward__keys {{.*}} shared
// CHECK: qfa.gpu_launch @kernels::@backward__values {{.*}} shared
// CHECK: qfa.gpu_launch @kernels::@backward__queries {{.*}} shared
qfa.kernel @backward {
^bb0(%q: tensor<1x40x256xf32>, %lse: tensor<1x1x40xf32>):
  %dq, %dk, %dv = qfa.attention_grad %q, %q, %q, %q, %lse, %q {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.0625 : f32}
      : tensor<1x40x256xf32>, tensor<1x40x256xf32>, tensor<1x1x40xf32>
  qfa.yield %dq, %dk, %dv : tensor<1x40x256xf32>, tensor<1x40x256xf32>, tensor<1x40x256xf32>
}

// -----

// Tests that heads which do not fit are refused.
qfa.kernel @too_wide {
^bb0(%q: tensor<1x40x4096xf32>, %lse: tensor<1x1x40xf32>):
  // expected-error-re @below {{GPU function 'too_wide__keys' needs {{[0-9]+}} bytes of shared memory a block, wanted at most 101376}}
  %dq, %dk, %dv = qfa.attention_grad %q, %q, %q, %q, %lse, %q {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.0625 : f32}
      : tensor<1x40x4096xf32>, tensor<1x40x4096xf32>, tensor<1x1x40xf32>
  qfa.yield %dq, %dk, %dv : tensor<1x40x4096xf32>, tensor<1x40x4096xf32>, tensor<1x40x4096xf32>
}
