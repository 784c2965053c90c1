// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f32" | FileCheck %s --check-prefix=F32

// Tests that the keys of a long context are shared by blocks, as many as two for each of 132 multiprocessors.
// CHECK: qfa.gpu_kernel @long_decode pointers 6 workspace 67584
// CHECK-NEXT: qfa.gpu_launch @kernels::@long_decode__decode grid [8, 32, 1] block 256 argument 0
// CHECK-NEXT: qfa.gpu_launch @kernels::@long_decode__merge grid [8, 1, 1] block 128 argument 0
qfa.kernel @long_decode {
^bb0(%q: tensor<1x1x512xf32>, %k: tensor<1x1x64xf32>, %p: tensor<1xi32>, %keys: !qfa.buffer<4096x64xf32>, %values: !qfa.buffer<4096x64xf32>):
  %y = qfa.cached_attention %q, %k, %k, %p, %keys, %values {num_heads = 8 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32}
      : tensor<1x1x512xf32>, tensor<1x1x64xf32>, tensor<1xi32>, !qfa.buffer<4096x64xf32>
  qfa.yield %y : tensor<1x1x512xf32>
}

// Tests that products are tensor cores' in bf16 only.
// F32-NOT: nvvm.mma.sync

// Tests that operands are rounded once, that blocks of 128 queries of one head walk over the keys, and that gradients of
// keys and of queries have owners of their own.
// CHECK-DAG: qfa.gpu_launch @kernels::@forward__cast grid [27, 3, 1] block 256
// CHECK-DAG: qfa.gpu_launch @kernels::@forward__attend grid [6, 1, 1] block 256
// CHECK-DAG: qfa.gpu_launch @kernels::@backward__cast
// CHECK-DAG: qfa.gpu_launch @kernels::@backward__row_terms
// CHECK-DAG: qfa.gpu_launch @kernels::@backward__keys grid [2, 2, 1] block 128
// CHECK-DAG: qfa.gpu_launch @kernels::@backward__queries grid [6, 1, 1] block 256
// CHECK: llvm.func @forward__attend
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.mma.sync
// CHECK: llvm.func @backward__row_terms
// CHECK: llvm.func @backward__keys
// CHECK: nvvm.mma.sync
// CHECK: llvm.func @backward__queries
// CHECK: nvvm.mma.sync
qfa.kernel @forward {
^bb0(%q: tensor<1x100x384xf32>, %k: tensor<1x100x128xf32>):
  %y, %lse = qfa.attention %q, %k, %k {num_heads = 6 : i64, num_kv_heads = 2 : i64, scale = 0.125 : f32}
      : tensor<1x100x384xf32>, tensor<1x100x128xf32> -> tensor<1x6x100xf32>
  qfa.yield %y, %lse : tensor<1x100x384xf32>, tensor<1x6x100xf32>
}
qfa.kernel @backward {
^bb0(%q: tensor<1x100x384xf32>, %k: tensor<1x100x128xf32>, %y: tensor<1x100x384xf32>, %lse: tensor<1x6x100xf32>):
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %k, %y, %lse, %y {num_heads = 6 : i64, num_kv_heads = 2 : i64, scale = 0.125 : f32}
      : tensor<1x100x384xf32>, tensor<1x100x128xf32>, tensor<1x6x100xf32>
  qfa.yield %dq, %dk, %dv : tensor<1x100x384xf32>, tensor<1x100x128xf32>, tensor<1x100x128xf32>
}

// Tests that a prompt is appended to the caches before it attends, and that a single query has no tiles.
// CHECK: llvm.func @prefill__append
// CHECK: llvm.func @prefill__cast
// CHECK: llvm.func @prefill__attend
// CHECK: nvvm.mma.sync
// CHECK: llvm.func @decode__decode
// CHECK-NOT: nvvm.mma.sync
qfa.kernel @prefill {
^bb0(%q: tensor<1x20x128xf32>, %k: tensor<1x20x64xf32>, %p: tensor<1xi32>, %keys: !qfa.buffer<64x64xf32>, %values: !qfa.buffer<64x64xf32>):
  %y = qfa.cached_attention %q, %k, %k, %p, %keys, %values {num_heads = 2 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32}
      : tensor<1x20x128xf32>, tensor<1x20x64xf32>, tensor<1xi32>, !qfa.buffer<64x64xf32>
  qfa.yield %y : tensor<1x20x128xf32>
}
qfa.kernel @decode {
^bb0(%q: tensor<1x1x128xf32>, %k: tensor<1x1x64xf32>, %p: tensor<1xi32>, %keys: !qfa.buffer<64x64xf32>, %values: !qfa.buffer<64x64xf32>):
  %y = qfa.cached_attention %q, %k, %k, %p, %keys, %values {num_heads = 2 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32}
      : tensor<1x1x128xf32>, tensor<1x1x64xf32>, tensor<1xi32>, !qfa.buffer<64x64xf32>
  qfa.yield %y : tensor<1x1x128xf32>
}
