// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.gpu_kernel @linear_1x64x48 pointers 3 workspace 24576 flops 884736 bytes 91136 {
  // CHECK: qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0{{$}}
  qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0
  // CHECK: qfa.gpu_launch @kernels::@k__weight grid [4, 2, 1] block 256 argument 0 early
  qfa.gpu_launch @kernels::@k__weight grid [4, 2, 1] block 256 argument 0 early
  // CHECK: qfa.gpu_launch @kernels::@k__largest grid [2147483647, 65535, 65535] block 1024 argument -3{{$}}
  qfa.gpu_launch @kernels::@k__largest grid [2147483647, 65535, 65535] block 1024 argument -3
}
