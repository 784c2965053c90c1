// RUN: qfa-opt %s -split-input-file -verify-diagnostics

qfa.gpu_kernel @gpu_product_c1 pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{has sizes [4, 0, 4], wanted three positive ones}}
    qfa.gpu_product [4, 0, 4] left [0, 4] right [64, 4] into 0 at [0, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c1_count pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{has sizes [4, 4], wanted three positive ones}}
    qfa.gpu_product [4, 4] left [0, 4] right [64, 4] into 0 at [0, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c2 pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{has left [0, 4], wanted an offset from 0 and a stride from 5}}
    qfa.gpu_product [3, 4, 5] left [0, 4] right [64, 5] into 0 at [0, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c2_transposed pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{has right [64, 3], wanted an offset from 0 and a stride from 4}}
    qfa.gpu_product [3, 4, 5] left [0, 3] transposed_left right [64, 3] transposed_right into 0 at [0, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c2_result pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{has at [-1, 4], wanted an offset from 0 and a stride from 4}}
    qfa.gpu_product [3, 4, 5] left [0, 5] right [64, 5] into 0 at [-1, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c3 pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{names pointer 2, wanted one of 0 to 1}}
    qfa.gpu_product [3, 4, 5] left [0, 5] right [64, 5] into 2 at [0, 4] scale 1.0
  }
}

// -----

qfa.gpu_kernel @gpu_product_c3_addend pointers 1 workspace 1024 flops 0 bytes 4 {
  qfa.gpu_launch @kernels::@k grid [1, 1, 1] block 32 argument 0 computes {
    // expected-error @+1 {{names pointer -1, wanted one of 0 to 1}}
    qfa.gpu_product [3, 4, 5] left [0, 5] right [64, 5] into 0 at [0, 4] scale 1.0 plus -1
  }
}

// -----

func.func @parent() {
  // expected-error @+1 {{expects parent op 'qfa.gpu_launch'}}
  qfa.gpu_product [3, 4, 5] left [0, 5] right [64, 5] into 0 at [0, 4] scale 1.0
  return
}
