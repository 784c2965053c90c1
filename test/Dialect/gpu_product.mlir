// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.gpu_kernel @linear_grad pointers 4 workspace 131072 flops 884736 bytes 91136 {
  qfa.gpu_launch @kernels::@linear_grad__product grid [1, 1, 1] block 256 argument 0 computes {
    // CHECK: qfa.gpu_product [256, 48, 64] left [0, 128] right [65536, 128] transposed_right into 2 at [0, 48] scale 1.000000e+00{{$}}
    qfa.gpu_product [256, 48, 64] left [0, 128] right [65536, 128] transposed_right into 2 at [0, 48] scale 1.0
    // CHECK: qfa.gpu_product [2, 3, 4] left [0, 2] transposed_left right [64, 4] into 4 at [6, 3] scale 5.000000e-01 plus 0
    qfa.gpu_product [2, 3, 4] left [0, 2] transposed_left right [64, 4] into 4 at [6, 3] scale 0.5 plus 0
  }
}
