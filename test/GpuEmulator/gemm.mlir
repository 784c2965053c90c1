// C[M,N] f32 = A[M,K] bf16 * B[K,N] bf16 on tensor cores: cp.async in two stages, ldmatrix, mma m16n8k16.
// A block computes 32 rows and 16 columns with two warps; step s fetches tile s and multiplies tile s - 1.

// Tests that ragged sizes are right under every schedule.
// RUN: %python %S/lower.py %s %t.bc
// RUN: qfa-gpu-emulate %t.bc --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 --out 0=%t.a.npy --out 1=%t.b.npy --out 2=%t.c.npy
// RUN: %python %S/compare.py 1e-4 "a.astype('f8') @ b - c" a=%t.a.npy b=%t.b.npy c=%t.c.npy
// RUN: qfa-gpu-emulate %t.bc --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 --schedule reverse --out 2=%t.c.npy
// RUN: %python %S/compare.py 1e-4 "a.astype('f8') @ b - c" a=%t.a.npy b=%t.b.npy c=%t.c.npy
// RUN: qfa-gpu-emulate %t.bc --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 --schedule random --out 2=%t.c.npy
// RUN: %python %S/compare.py 1e-4 "a.astype('f8') @ b - c" a=%t.a.npy b=%t.b.npy c=%t.c.npy

// Tests that the kernel needs each of its barriers and waits, and that the emulator sees it.
// RUN: %python %S/mutate.py %t.bc 1e-4 2 --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 | FileCheck %s --check-prefix=MUTANTS
// MUTANTS-DAG: {{^}}error: data race: read of shared memory after an unsynchronised write: without {{.*}}barrier
// MUTANTS-DAG: {{^}}error: data race: write of shared memory after an unsynchronised read: without {{.*}}barrier
// MUTANTS-DAG: {{^}}error: read of shared memory while a cp.async to it is in flight{{.*}}: without {{.*}}wait.group
// MUTANTS: 3 of 3 mutants noticed

// Tests that --mem counts the conflicts of rows without padding, and none with it.
// RUN: qfa-gpu-emulate %t.bc --mem --json %t.json --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 2>&1 | FileCheck %s --check-prefix=PADDED
// PADDED: shared read   warp accesses       6, wavefronts      24, least      24 (1.00x)      {{.*}}ldmatrix
// RUN: FileCheck %s --check-prefix=JSON < %t.json
// JSON: "kernel": "gemm"
// JSON: "ok": true
// JSON: "mmas": 72
// JSON: "space": "shared"
// RUN: %python %S/lower.py %s %t.1.bc "x24x=>x16x"
// RUN: qfa-gpu-emulate %t.1.bc --mem --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 2>&1 | FileCheck %s --check-prefix=DENSE
// DENSE: shared read   warp accesses       6, wavefronts      48, least      24 (2.00x) <-- {{.*}}ldmatrix

// Tests that waiting for one group too few is reported as a read in flight.
// RUN: %python %S/lower.py %s %t.2.bc "numGroups = 1=>numGroups = 2"
// RUN: not qfa-gpu-emulate %t.2.bc --json %t.2.json --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 2>&1 | FileCheck %s --check-prefix=FLIGHT
// FLIGHT: error: read of shared memory while a cp.async to it is in flight: no wait by the issuing thread before this
// FLIGHT-NEXT: kernel gemm block (0,0,0) thread (0,0,0) [warp 0 lane 0]
// FLIGHT-NEXT: at {{.*}}.mlir:[[#]]: {{.*}}ldmatrix
// FLIGHT: note: copy issued by thread (0,0,0) [warp 0 lane 0] at {{.*}}cp.async.cg.shared.global.16.s
// RUN: FileCheck %s --check-prefix=FLIGHT-JSON < %t.2.json
// FLIGHT-JSON: "ok": false
// FLIGHT-JSON: "kind": "in-flight-copy"
// FLIGHT-JSON: "source": "{{.*}}.mlir:[[#]]"
// FLIGHT-JSON: "address": [[#]]

// Tests that both stages in one buffer is reported.
// RUN: %python %S/lower.py %s %t.3.bc "%%into = arith.remui %%s, %%c2=>%%into = arith.remui %%c0, %%c2" "%%from = arith.remui %%before, %%c2=>%%from = arith.remui %%c0, %%c2"
// RUN: not qfa-gpu-emulate %t.3.bc --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 2>&1 | FileCheck %s --check-prefix=STAGES
// STAGES: error: {{read|write}} of shared memory while a cp.async to it is in flight

// Tests that a copy that does not stop at the edge is out of bounds.
// RUN: %python %S/lower.py %s %t.4.bc "%%bytesA = arith.select %%inA, %%restA, %%c0=>%%bytesA = arith.select %%inA, %%c8, %%c8"
// RUN: not qfa-gpu-emulate %t.4.bc --kernel gemm --grid 2,3 --block 64 --arg i64:70 --arg i64:24 --arg i64:40 --arg memref:bf16:70x40:random --arg memref:bf16:40x24:random --arg memref:f32:70x24 2>&1 | FileCheck %s --check-prefix=EDGE
// EDGE: error: out-of-bounds read of 16 bytes
// EDGE: buffer '0'+{{[0-9]+}} of 5600 bytes

#shared = #gpu.address_space<workgroup>
module attributes {gpu.container_module} {
gpu.module @m {
gpu.func @gemm(%m: index, %n: index, %k: index, %a: memref<?x?xbf16>, %b: memref<?x?xbf16>, %c: memref<?x?xf32>)
    workgroup(%sa : memref<2x32x24xbf16, #shared>, %sb : memref<2x16x24xbf16, #shared>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c15 = arith.constant 15 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %f0 = arith.constant 0.0 : f32
  %t = gpu.thread_id x
  %bx = gpu.block_id x
  %by = gpu.block_id y
  %row0 = arith.muli %by, %c32 : index
  %column0 = arith.muli %bx, %c16 : index
  %warp = arith.divui %t, %c32 : index
  %lane = arith.remui %t, %c32 : index
  // A thread fetches eight numbers of A; those of the first warp eight of B too.
  %chunkRow = arith.divui %t, %c2 : index
  %half = arith.remui %t, %c2 : index
  %chunkColumn = arith.muli %half, %c8 : index
  %rowA = arith.addi %row0, %chunkRow : index
  %columnB = arith.addi %column0, %chunkColumn : index
  %fetchesB = arith.cmpi ult, %t, %c32 : index
  // Addresses of ldmatrix: lane l gives row l % 16, columns 8 (l / 16) on.
  %matrixRow = arith.remui %lane, %c16 : index
  %matrixHalf = arith.divui %lane, %c16 : index
  %matrixColumn = arith.muli %matrixHalf, %c8 : index
  %warpRow = arith.muli %warp, %c16 : index
  %matrixRowA = arith.addi %warpRow, %matrixRow : index
  %kUp = arith.addi %k, %c15 : index
  %tiles = arith.divui %kUp, %c16 : index
  %steps = arith.addi %tiles, %c1 : index
  %r:8 = scf.for %s = %c0 to %steps step %c1 iter_args(%d0 = %f0, %d1 = %f0, %d2 = %f0, %d3 = %f0, %d4 = %f0, %d5 = %f0, %d6 = %f0, %d7 = %f0)
      -> (f32, f32, f32, f32, f32, f32, f32, f32) {
    %into = arith.remui %s, %c2 : index
    %fetches = arith.cmpi ult, %s, %tiles : index
    scf.if %fetches {
      %k0 = arith.muli %s, %c16 : index
      %columnA = arith.addi %k0, %chunkColumn : index
      %inA = arith.cmpi ult, %rowA, %m : index
      %leftA = arith.subi %k, %columnA : index
      %positiveA = arith.maxsi %leftA, %c0 : index
      %restA = arith.minsi %positiveA, %c8 : index
      %bytesA = arith.select %inA, %restA, %c0 : index
      %copyA = nvgpu.device_async_copy %a[%rowA, %columnA], %sa[%into, %chunkRow, %chunkColumn], 8, %bytesA {bypassL1} : memref<?x?xbf16> to memref<2x32x24xbf16, #shared>
      scf.if %fetchesB {
        %rowB = arith.addi %k0, %chunkRow : index
        %inB = arith.cmpi ult, %rowB, %k : index
        %leftB = arith.subi %n, %columnB : index
        %positiveB = arith.maxsi %leftB, %c0 : index
        %restB = arith.minsi %positiveB, %c8 : index
        %bytesB = arith.select %inB, %restB, %c0 : index
        %copyB = nvgpu.device_async_copy %b[%rowB, %columnB], %sb[%into, %chunkRow, %chunkColumn], 8, %bytesB {bypassL1} : memref<?x?xbf16> to memref<2x16x24xbf16, #shared>
      }
    }
    %group = nvgpu.device_async_create_group {}
    nvgpu.device_async_wait %group {numGroups = 1 : i32}
    gpu.barrier
    %computes = arith.cmpi ugt, %s, %c0 : index
    %e:8 = scf.if %computes -> (f32, f32, f32, f32, f32, f32, f32, f32) {
      %before = arith.subi %s, %c1 : index
      %from = arith.remui %before, %c2 : index
      %fa = nvgpu.ldmatrix %sa[%from, %matrixRowA, %matrixColumn] {numTiles = 4 : i32, transpose = false} : memref<2x32x24xbf16, #shared> -> vector<4x2xbf16>
      %fb = nvgpu.ldmatrix %sb[%from, %matrixRow, %matrixColumn] {numTiles = 4 : i32, transpose = true} : memref<2x16x24xbf16, #shared> -> vector<4x2xbf16>
      %ia = vector.bitcast %fa : vector<4x2xbf16> to vector<4x1xi32>
      %ib = vector.bitcast %fb : vector<4x2xbf16> to vector<4x1xi32>
      %a0 = vector.extract %ia[0, 0] : i32 from vector<4x1xi32>
      %a1 = vector.extract %ia[1, 0] : i32 from vector<4x1xi32>
      %a2 = vector.extract %ia[2, 0] : i32 from vector<4x1xi32>
      %a3 = vector.extract %ia[3, 0] : i32 from vector<4x1xi32>
      %b0 = vector.extract %ib[0, 0] : i32 from vector<4x1xi32>
      %b1 = vector.extract %ib[1, 0] : i32 from vector<4x1xi32>
      %b2 = vector.extract %ib[2, 0] : i32 from vector<4x1xi32>
      %b3 = vector.extract %ib[3, 0] : i32 from vector<4x1xi32>
      %p = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b0, %b1] C[%d0, %d1, %d2, %d3] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %q = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b2, %b3] C[%d4, %d5, %d6, %d7] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %p0 = llvm.extractvalue %p[0] : !llvm.struct<(f32, f32, f32, f32)>
      %p1 = llvm.extractvalue %p[1] : !llvm.struct<(f32, f32, f32, f32)>
      %p2 = llvm.extractvalue %p[2] : !llvm.struct<(f32, f32, f32, f32)>
      %p3 = llvm.extractvalue %p[3] : !llvm.struct<(f32, f32, f32, f32)>
      %q0 = llvm.extractvalue %q[0] : !llvm.struct<(f32, f32, f32, f32)>
      %q1 = llvm.extractvalue %q[1] : !llvm.struct<(f32, f32, f32, f32)>
      %q2 = llvm.extractvalue %q[2] : !llvm.struct<(f32, f32, f32, f32)>
      %q3 = llvm.extractvalue %q[3] : !llvm.struct<(f32, f32, f32, f32)>
      scf.yield %p0, %p1, %p2, %p3, %q0, %q1, %q2, %q3 : f32, f32, f32, f32, f32, f32, f32, f32
    } else {
      scf.yield %d0, %d1, %d2, %d3, %d4, %d5, %d6, %d7 : f32, f32, f32, f32, f32, f32, f32, f32
    }
    gpu.barrier
    scf.yield %e#0, %e#1, %e#2, %e#3, %e#4, %e#5, %e#6, %e#7 : f32, f32, f32, f32, f32, f32, f32, f32
  }
  // Accumulator i of a lane: row l / 4 + 8 (i / 2 % 2), column 2 (l % 4) + i % 2 + 8 (i / 4).
  %group4 = arith.divui %lane, %c4 : index
  %inGroup = arith.remui %lane, %c4 : index
  %twice = arith.muli %inGroup, %c2 : index
  %warpTop = arith.addi %row0, %warpRow : index
  %y0 = arith.addi %warpTop, %group4 : index
  %y1 = arith.addi %y0, %c8 : index
  %x0 = arith.addi %column0, %twice : index
  %x1 = arith.addi %x0, %c1 : index
  %x2 = arith.addi %x0, %c8 : index
  %x3 = arith.addi %x1, %c8 : index
  %iny0 = arith.cmpi ult, %y0, %m : index
  %iny1 = arith.cmpi ult, %y1, %m : index
  %inx0 = arith.cmpi ult, %x0, %n : index
  %inx1 = arith.cmpi ult, %x1, %n : index
  %inx2 = arith.cmpi ult, %x2, %n : index
  %inx3 = arith.cmpi ult, %x3, %n : index
  %w0 = arith.andi %iny0, %inx0 : i1
  %w1 = arith.andi %iny0, %inx1 : i1
  %w2 = arith.andi %iny1, %inx0 : i1
  %w3 = arith.andi %iny1, %inx1 : i1
  %w4 = arith.andi %iny0, %inx2 : i1
  %w5 = arith.andi %iny0, %inx3 : i1
  %w6 = arith.andi %iny1, %inx2 : i1
  %w7 = arith.andi %iny1, %inx3 : i1
  scf.if %w0 { memref.store %r#0, %c[%y0, %x0] : memref<?x?xf32> }
  scf.if %w1 { memref.store %r#1, %c[%y0, %x1] : memref<?x?xf32> }
  scf.if %w2 { memref.store %r#2, %c[%y1, %x0] : memref<?x?xf32> }
  scf.if %w3 { memref.store %r#3, %c[%y1, %x1] : memref<?x?xf32> }
  scf.if %w4 { memref.store %r#4, %c[%y0, %x2] : memref<?x?xf32> }
  scf.if %w5 { memref.store %r#5, %c[%y0, %x3] : memref<?x?xf32> }
  scf.if %w6 { memref.store %r#6, %c[%y1, %x2] : memref<?x?xf32> }
  scf.if %w7 { memref.store %r#7, %c[%y1, %x3] : memref<?x?xf32> }
  gpu.return
}
}
}
