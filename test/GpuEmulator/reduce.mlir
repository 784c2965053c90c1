// A sum over a grid: shuffles in the warp, one shared slot a warp, a barrier, then an atomic of each block.

// Tests that the kernel is right under every schedule, and without checks.
// RUN: %python %S/lower.py %s %t.bc
// RUN: qfa-gpu-emulate %t.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero --out 0=%t.x.npy --out 1=%t.sum.npy
// RUN: %python %S/compare.py 1e-4 "x.astype('f8').sum() - s" x=%t.x.npy s=%t.sum.npy
// RUN: qfa-gpu-emulate %t.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero --schedule random --seed 5 --out 0=%t.x.npy --out 1=%t.sum.npy
// RUN: %python %S/compare.py 1e-4 "x.astype('f8').sum() - s" x=%t.x.npy s=%t.sum.npy
// RUN: qfa-gpu-emulate %t.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero --check none --workers 2 --out 0=%t.x.npy --out 1=%t.sum.npy
// RUN: %python %S/compare.py 1e-4 "x.astype('f8').sum() - s" x=%t.x.npy s=%t.sum.npy

// Tests that each barrier and wait is needed.
// RUN: %python %S/mutate.py %t.bc 1e-4 1 --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero | FileCheck %s --check-prefix=MUTANTS
// MUTANTS: 1 of 1 mutants noticed

// Tests that a missing barrier is reported, under any schedule.
// RUN: %python %S/lower.py %s %t.1.bc "gpu.barrier=>"
// RUN: not qfa-gpu-emulate %t.1.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=BARRIER
// RUN: not qfa-gpu-emulate %t.1.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero --schedule reverse 2>&1 | FileCheck %s --check-prefix=REVERSE
// BARRIER: error: read of uninitialised shared memory
// BARRIER-NEXT: kernel sum block (0,0,0) thread (1,0,0) [warp 0 lane 1]
// BARRIER-NEXT: at {{.*}}.mlir:[[#]]: %{{.*}} = load float, ptr addrspace(3)
// BARRIER-NEXT: address 0x{{[0-9a-f]+}}: shared variable '{{.*}}'+4 of 32 bytes
// REVERSE: error: read of uninitialised shared memory
// REVERSE-NEXT: kernel sum block (3,0,0) thread (228,0,0) [warp 7 lane 4]

// Tests that a read past the end is reported.
// RUN: %python %S/lower.py %s %t.2.bc "cmpi ult, %%i, %%n=>cmpi ule, %%i, %%n"
// RUN: not qfa-gpu-emulate %t.2.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=BOUNDS
// BOUNDS: error: out-of-bounds read of 4 bytes
// BOUNDS-NEXT: kernel sum block (3,0,0) thread (232,0,0) [warp 7 lane 8]
// BOUNDS: buffer '0'+4000 of 4000 bytes

// Tests that an update that is not atomic is a race between blocks.
// RUN: %python %S/lower.py %s %t.3.bc "%%u = memref.atomic_rmw addf %%r10, %%out[%%c0] : (f32, memref<1xf32>) -> f32=>%%old = memref.load %%out[%%c0] : memref<1xf32> %%new = arith.addf %%old, %%r10 : f32 memref.store %%new, %%out[%%c0] : memref<1xf32>"
// RUN: not qfa-gpu-emulate %t.3.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: error: data race: read of global memory after an unsynchronised write by another block
// BLOCKS: note: written by another block at {{.*}}: store float

// Tests that all warps writing one slot is a race between warps.
// RUN: %python %S/lower.py %s %t.4.bc "%%shared[%%warp]=>%%shared[%%c0]"
// RUN: not qfa-gpu-emulate %t.4.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=SLOT
// SLOT: error: data race: write of shared memory after an unsynchronised write
// SLOT: note: written by thread (0,0,0) [warp 0 lane 0] at {{.*}}: store float

// Tests that a barrier that part of the block does not reach is reported with the threads.
// RUN: %python %S/lower.py %s %t.5.bc "// FAULT=>%%c100 = arith.constant 100 : index %%part = arith.cmpi ult, %%t, %%c100 : index scf.if %%part { gpu.barrier }"
// RUN: not qfa-gpu-emulate %t.5.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=DIVERGENT
// DIVERGENT: error: no thread can go on: divergent or incomplete barrier
// DIVERGENT-DAG: note: threads 0-99 wait at barrier 0 (228 of 256 arrived)
// DIVERGENT-DAG: note: threads 128-255 wait at barrier 0 (228 of 256 arrived)
// DIVERGENT-DAG: note: threads 100-127 wait for lanes 0xffffffff of their warp

// Tests that a shuffle in half a warp is reported.
// RUN: %python %S/lower.py %s %t.6.bc "// FAULT=>%%low = arith.cmpi ult, %%lane, %%c8 : index scf.if %%low { %%sx, %%px = gpu.shuffle xor %%x, %%o1, %%w32 : f32 memref.store %%sx, %%out[%%c0] : memref<1xf32> }"
// RUN: not qfa-gpu-emulate %t.6.bc --kernel sum --grid 4 --block 256 --arg i64:1000 --arg memref:f32:1000:random --arg memref:f32:1:zero 2>&1 | FileCheck %s --check-prefix=SHUFFLE
// SHUFFLE: error: lanes of one member mask wait at different instructions
// SHUFFLE: note: lane {{[0-9]+}} with mask 0xffffffff is at {{.*}}shfl.sync.bfly

#shared = #gpu.address_space<workgroup>
module attributes {gpu.container_module} {
gpu.module @m {
gpu.func @sum(%n: index, %in: memref<?xf32>, %out: memref<1xf32>) workgroup(%shared : memref<8xf32, #shared>) kernel {
  %w32 = arith.constant 32 : i32
  %o1 = arith.constant 1 : i32
  %o2 = arith.constant 2 : i32
  %o4 = arith.constant 4 : i32
  %o8 = arith.constant 8 : i32
  %o16 = arith.constant 16 : i32
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %t = gpu.thread_id x
  %threads = gpu.block_dim x
  %b = gpu.block_id x
  %warp = arith.divui %t, %c32 : index
  %lane = arith.remui %t, %c32 : index
  %first = arith.muli %b, %threads : index
  %i = arith.addi %first, %t : index
  %inside = arith.cmpi ult, %i, %n : index
  %x = scf.if %inside -> f32 {
    %v = memref.load %in[%i] : memref<?xf32>
    scf.yield %v : f32
  } else {
    scf.yield %zero : f32
  }
  // FAULT
  %s1, %p1 = gpu.shuffle xor %x, %o16, %w32 : f32
  %r1 = arith.addf %x, %s1 : f32
  %s2, %p2 = gpu.shuffle xor %r1, %o8, %w32 : f32
  %r2 = arith.addf %r1, %s2 : f32
  %s3, %p3 = gpu.shuffle xor %r2, %o4, %w32 : f32
  %r3 = arith.addf %r2, %s3 : f32
  %s4, %p4 = gpu.shuffle xor %r3, %o2, %w32 : f32
  %r4 = arith.addf %r3, %s4 : f32
  %s5, %p5 = gpu.shuffle xor %r4, %o1, %w32 : f32
  %r5 = arith.addf %r4, %s5 : f32
  %leads = arith.cmpi eq, %lane, %c0 : index
  scf.if %leads { memref.store %r5, %shared[%warp] : memref<8xf32, #shared> }
  gpu.barrier
  %slot = arith.cmpi ult, %lane, %c8 : index
  %y = scf.if %slot -> f32 {
    %v = memref.load %shared[%lane] : memref<8xf32, #shared>
    scf.yield %v : f32
  } else {
    scf.yield %zero : f32
  }
  %s8, %p8 = gpu.shuffle xor %y, %o4, %w32 : f32
  %r8 = arith.addf %y, %s8 : f32
  %s9, %p9 = gpu.shuffle xor %r8, %o2, %w32 : f32
  %r9 = arith.addf %r8, %s9 : f32
  %s10, %p10 = gpu.shuffle xor %r9, %o1, %w32 : f32
  %r10 = arith.addf %r9, %s10 : f32
  %writes = arith.cmpi eq, %t, %c0 : index
  scf.if %writes {
    %u = memref.atomic_rmw addf %r10, %out[%c0] : (f32, memref<1xf32>) -> f32
  }
  gpu.return
}
}
}
