// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.gpu_kernel @linear_1x64x48 pointers 3 workspace 24576 flops 884736 bytes 91136 {
  // CHECK: qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0{{$}}
  qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0
  // CHECK: qfa.gpu_launch @kernels::@k__weight grid [4, 2, 1] block 256 argument 0 early
  qfa.gpu_launch @kernels::@k__weight grid [4, 2, 1] block 256 argument 0 early
  // CHECK: qfa.gpu_launch @kernels::@k__largest grid [2147483647, 65535, 65535] block 1024 argument -3{{$}}
  qfa.gpu_launch @kernels::@k__largest grid [2147483647, 65535, 65535] block 1024 argument -3
  // CHECK: qfa.gpu_launch @kernels::@k__large grid [1, 1, 1] block 256 argument 0 shared 73728 computes {
  // CHECK-NEXT: qfa.gpu_product [256, 48, 64] left [0, 128] right [65536, 128] transposed_right into 2 at [0, 48] scale 1.000000e+00{{$}}
  // CHECK-NEXT: qfa.gpu_product [2, 3, 4] left [0, 2] transposed_left right [64, 4] into 3 at [6, 3] scale 5.000000e-01 plus 0
  qfa.gpu_launch @kernels::@k__large grid [1, 1, 1] block 256 argument 0 shared 73728 computes {
    qfa.gpu_product [256, 48, 64] left [0, 128] right [65536, 128] transposed_right into 2 at [0, 48] scale 1.0
    qfa.gpu_product [2, 3, 4] left [0, 2] transposed_left right [64, 4] into 3 at [6, 3] scale 0.5 plus 0
  }
}
