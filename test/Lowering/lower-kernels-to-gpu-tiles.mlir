// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu | FileCheck %s --check-prefixes=CHECK,LARGE80
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="arch=90" | FileCheck %s --check-prefixes=CHECK,LARGE90
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="arch=120" | FileCheck %s --check-prefixes=CHECK,LARGE80
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="multiprocessors=1" | FileCheck %s --check-prefix=ONE80
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="arch=90 multiprocessors=1" | FileCheck %s --check-prefix=ONE90
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="arch=90a" | FileCheck %s --check-prefix=HOPPER
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="arch=90a multiprocessors=1" | FileCheck %s --check-prefix=ONEHOPPER
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f32 arch=90" | FileCheck %s --check-prefix=F32

// Tests that a product with a large tile for every multiprocessor has such tiles, as large as the shared memory of the
// architecture: 256 x 128 x 64 in two stages or three. sm_120 has as little as sm_86.
// CHECK: qfa.gpu_launch @kernels::@many__product
// LARGE80-SAME: grid [8, 14, 1] block 256 argument 0 shared 98304
// LARGE90-SAME: grid [8, 14, 1] block 256 argument 0 shared 98304
// CHECK: qfa.gpu_launch @kernels::@more__product
// LARGE80-SAME: grid [8, 17, 1] block 256 argument 0 shared 98304
// LARGE90-SAME: grid [8, 17, 1] block 256 argument 0 shared 147456

// Tests that 128 x 128 x 32 serves where rows are no multiple of 256, or too few for larger ones.
// CHECK: qfa.gpu_launch @kernels::@odd__product
// CHECK-SAME: grid [8, 17, 1] block 128 argument 0 shared 49152

// Tests that 64 x 64 x 64 serves few rows, unless the card is small, and unrounded factors have one tile.
// CHECK: qfa.gpu_launch @kernels::@few__product
// CHECK-SAME: grid [3, 8, 1] block 128 argument 0 shared 49152
// ONE80: qfa.gpu_launch @kernels::@few__product
// ONE80-SAME: grid [2, 2, 1] block 256 argument 0 shared 98304
// ONE90: qfa.gpu_launch @kernels::@few__product
// ONE90-SAME: grid [2, 2, 1] block 256 argument 0 shared 147456
// F32: qfa.gpu_launch @kernels::@few__product
// F32-SAME: grid [3, 8, 1] block 128 argument 0 shared 32768

// Tests that warpgroups of sm_90a have 128 x 256 x 64 in four stages, or 128 x 128 x 64 in five where that would be
// mostly padding. Their tiles begin at multiples of 1024 bytes.
// HOPPER: qfa.gpu_launch @kernels::@many__product
// HOPPER-SAME: grid [8, 28, 1] block 256 argument 0 shared 163840
// HOPPER: qfa.gpu_launch @kernels::@more__product
// HOPPER-SAME: grid [4, 34, 1] block 256 argument 0 shared 196608
// HOPPER: qfa.gpu_launch @kernels::@odd__product
// HOPPER-SAME: grid [8, 17, 1] block 256 argument 0 shared 163840
// HOPPER: qfa.gpu_launch @kernels::@few__product
// HOPPER-SAME: grid [3, 8, 1] block 128 argument 0 shared 49152
// HOPPER: llvm.mlir.global external @many__product__dynamic() {addr_space = 3 : i32, alignment = 1024 : i64}
// ONEHOPPER: qfa.gpu_launch @kernels::@few__product
// ONEHOPPER-SAME: grid [2, 4, 1] block 256 argument 0 shared 163840

// The memory is the launch's.
// CHECK: llvm.mlir.global external @few__product__dynamic() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

qfa.kernel @many {
^bb0(%x: tensor<1x3584x64xf32>, %w: tensor<1024x64xf32>):
  %y = qfa.linear %x, %w : tensor<1x3584x64xf32>, tensor<1024x64xf32> -> tensor<1x3584x1024xf32>
  qfa.yield %y : tensor<1x3584x1024xf32>
}
qfa.kernel @more {
^bb0(%x: tensor<1x4352x64xf32>, %w: tensor<1024x64xf32>):
  %y = qfa.linear %x, %w : tensor<1x4352x64xf32>, tensor<1024x64xf32> -> tensor<1x4352x1024xf32>
  qfa.yield %y : tensor<1x4352x1024xf32>
}
qfa.kernel @odd {
^bb0(%x: tensor<1x2176x64xf32>, %w: tensor<1024x64xf32>):
  %y = qfa.linear %x, %w : tensor<1x2176x64xf32>, tensor<1024x64xf32> -> tensor<1x2176x1024xf32>
  qfa.yield %y : tensor<1x2176x1024xf32>
}
qfa.kernel @few {
^bb0(%x: tensor<1x500x64xf32>, %w: tensor<130x64xf32>):
  %y = qfa.linear %x, %w : tensor<1x500x64xf32>, tensor<130x64xf32> -> tensor<1x500x130xf32>
  qfa.yield %y : tensor<1x500x130xf32>
}
