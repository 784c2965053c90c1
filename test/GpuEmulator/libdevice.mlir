// A function of libdevice, linked into the kernel: its remains are intrinsics and inline assembly that the emulator knows.
// REQUIRES: libdevice

// Tests the numbers of math that libdevice computes, row by row.
// RUN: %python %S/lower.py %s %t.bc
// RUN: qfa-gpu-emulate %t.bc --kernel functions --grid 2 --block 128 --arg memref:f32:256:random --arg memref:f32:6x256 --out 0=%t.x.npy --out 1=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[0] / np.exp(x.astype('f8')) - 1" x=%t.x.npy y=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[1] / np.tanh(x.astype('f8')) - 1" x=%t.x.npy y=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[2] - np.log(np.abs(x.astype('f8')))" x=%t.x.npy y=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[3] * np.sqrt(np.abs(x.astype('f8'))) - 1" x=%t.x.npy y=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[4] - np.sin(x.astype('f8'))" x=%t.x.npy y=%t.y.npy
// RUN: %python %S/compare.py 3e-6 "y[5] - np.cos(x.astype('f8'))" x=%t.x.npy y=%t.y.npy

// Tests that all of libdevice loads: nothing in it is unknown.
// RUN: qfa-gpu-emulate %cuda/nvvm/libdevice/libdevice.10.bc | count 0

module attributes {gpu.container_module} {
gpu.module @m {
gpu.func @functions(%x: memref<?xf32>, %y: memref<?x?xf32>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %t = gpu.thread_id x
  %b = gpu.block_id x
  %n = gpu.block_dim x
  %first = arith.muli %b, %n : index
  %i = arith.addi %first, %t : index
  %v = memref.load %x[%i] : memref<?xf32>
  %size = math.absf %v : f32
  %exp = math.exp %v : f32
  %tanh = math.tanh %v : f32
  %log = math.log %size : f32
  %rsqrt = math.rsqrt %size : f32
  %sin = math.sin %v : f32
  %cos = math.cos %v : f32
  memref.store %exp, %y[%c0, %i] : memref<?x?xf32>
  memref.store %tanh, %y[%c1, %i] : memref<?x?xf32>
  memref.store %log, %y[%c2, %i] : memref<?x?xf32>
  memref.store %rsqrt, %y[%c3, %i] : memref<?x?xf32>
  memref.store %sin, %y[%c4, %i] : memref<?x?xf32>
  memref.store %cos, %y[%c5, %i] : memref<?x?xf32>
  gpu.return
}
}
}
