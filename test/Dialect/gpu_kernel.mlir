// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: qfa.gpu_kernel @linear_1x64x48 pointers 3 workspace 24576 flops 884736 bytes 91136 {
// CHECK-NEXT: qfa.gpu_launch @kernels::@linear_1x64x48__panel
// CHECK-NEXT: qfa.gpu_launch @kernels::@linear_1x64x48__gemm
// CHECK-NEXT: }
qfa.gpu_kernel @linear_1x64x48 pointers 3 workspace 24576 flops 884736 bytes 91136 {
  qfa.gpu_launch @kernels::@linear_1x64x48__panel grid [2, 1, 1] block 128 argument 0
  qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0
}
