// RUN: qfa-opt %s -split-input-file -verify-diagnostics

qfa.gpu_kernel @gpu_launch_c1 pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has grid [1, 0, 1], wanted three positive sizes up to 2147483647, 65535, 65535}}
  qfa.gpu_launch @kernels::@k grid [1, 0, 1] block 32 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c1_count pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has grid [1, 1], wanted three positive sizes up to 2147483647, 65535, 65535}}
  qfa.gpu_launch @kernels::@k grid [1, 1] block 32 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c1_x pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has grid [2147483648, 1, 1], wanted three positive sizes up to 2147483647, 65535, 65535}}
  qfa.gpu_launch @kernels::@k grid [2147483648, 1, 1] block 32 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c1_y pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has grid [1, 65536, 1], wanted three positive sizes up to 2147483647, 65535, 65535}}
  qfa.gpu_launch @kernels::@k grid [1, 65536, 1] block 32 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c1_z pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has grid [1, 1, 65536], wanted three positive sizes up to 2147483647, 65535, 65535}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 65536] block 32 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c2 pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has blocks of 1056 threads, wanted a multiple of 32 up to 1024}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 1056 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c2_warps pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has blocks of 48 threads, wanted a multiple of 32 up to 1024}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 48 argument 0
}

// -----

qfa.gpu_kernel @gpu_launch_c2_none pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has blocks of 0 threads, wanted a multiple of 32 up to 1024}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 0 argument 0
}

// -----

func.func @parent() {
  // expected-error @+1 {{expects parent op 'qfa.gpu_kernel'}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0
  return
}

// -----

qfa.gpu_kernel @gpu_launch_c3 pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{has -16 bytes of shared memory, wanted 0 or more}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 shared -16
}

// -----

qfa.gpu_kernel @gpu_launch_c4 pointers 1 workspace 0 flops 0 bytes 4 {
  // expected-error @+1 {{computes arith.constant, wanted qfa.gpu_product only}}
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    %one = arith.constant 1 : i64
  }
}
