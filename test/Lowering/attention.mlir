// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=avx2" | FileCheck %s

// Tests that a tile is a block of 32 queries of one head, and that scratch memory is that of one block of scores, however
// long the sequence: (2 d + 64 keys + 3) * 32 queries * 4 bytes.
// CHECK-LABEL: func.func @forward_512
// CHECK-SAME: qfa.flops = 302579712 : i64, qfa.scratch_bytes = 24960 : i64, qfa.tiles = 144 : i64
// Scores of 64 keys against 32 queries, then values weighted by them; both read keys and values where they lie.
// CHECK: scf.for
// CHECK: call @qfa_product_32_a192x1_b32_c32__avx2
// CHECK: scf.if
// CHECK: call @qfa_product_64_a1x32_b192_c64_add__avx2
qfa.kernel @forward_512 {
^bb0(%q: tensor<1x512x576xf32>, %k: tensor<1x512x192xf32>, %v: tensor<1x512x192xf32>):
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 9 : i64, num_kv_heads = 3 : i64, scale = 0.125 : f32}
      : tensor<1x512x576xf32>, tensor<1x512x192xf32> -> tensor<1x9x512xf32>
  qfa.yield %y, %lse : tensor<1x512x576xf32>, tensor<1x9x512xf32>
}

// CHECK-LABEL: func.func @forward_2048
// CHECK-SAME: qfa.scratch_bytes = 24960 : i64, qfa.tiles = 576 : i64
qfa.kernel @forward_2048 {
^bb0(%q: tensor<1x2048x576xf32>, %k: tensor<1x2048x192xf32>, %v: tensor<1x2048x192xf32>):
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 9 : i64, num_kv_heads = 3 : i64, scale = 0.125 : f32}
      : tensor<1x2048x576xf32>, tensor<1x2048x192xf32> -> tensor<1x9x2048xf32>
  qfa.yield %y, %lse : tensor<1x2048x576xf32>, tensor<1x9x2048xf32>
}

// Tests that a tile of the gradients owns a key/value head, so that no two tiles add to one sum: five products per block.
// CHECK-LABEL: func.func @backward
// CHECK-SAME: qfa.tiles = 6 : i64
// CHECK: call @qfa_product_32_a192x1_b32_c32__avx2
// CHECK: call @qfa_product_32_a192x1_b32_c32__avx2
// CHECK: call @qfa_product_64_a32x1_b576_c192_add__avx2
// CHECK: call @qfa_product_64_a32x1_b576_c192_add__avx2
// CHECK: call @qfa_product_64_a1x32_b192_c576_add__avx2
qfa.kernel @backward {
^bb0(%q: tensor<2x512x576xf32>, %k: tensor<2x512x192xf32>, %v: tensor<2x512x192xf32>, %y: tensor<2x512x576xf32>,
     %lse: tensor<2x9x512xf32>, %dy: tensor<2x512x576xf32>):
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %v, %y, %lse, %dy
      {num_heads = 9 : i64, num_kv_heads = 3 : i64, scale = 0.125 : f32}
      : tensor<2x512x576xf32>, tensor<2x512x192xf32>, tensor<2x9x512xf32>
  qfa.yield %dq, %dk, %dv : tensor<2x512x576xf32>, tensor<2x512x192xf32>, tensor<2x512x192xf32>
}

// Tests that one query keeps the heads of its group in the lanes: 3 heads in one register of 8, (2 d + 64 + 3) * 8 * 4 bytes.
// CHECK-LABEL: func.func @decode
// CHECK-SAME: qfa.scratch_bytes = 6240 : i64, qfa.tiles = 3 : i64
// CHECK: call @copy_matrix__avx2
// CHECK: call @copy_matrix__avx2
// CHECK: call @qfa_product_8_a192x1_b8_c8__avx2
qfa.kernel @decode {
^bb0(%q: tensor<1x1x576xf32>, %k: tensor<1x1x192xf32>, %v: tensor<1x1x192xf32>, %position: tensor<1xi32>,
     %keys: !qfa.buffer<1024x192xf32>, %values: !qfa.buffer<1024x192xf32>):
  %y = qfa.cached_attention %q, %k, %v, %position, %keys, %values
      {num_heads = 9 : i64, num_kv_heads = 3 : i64, scale = 0.125 : f32}
      : tensor<1x1x576xf32>, tensor<1x1x192xf32>, tensor<1xi32>, !qfa.buffer<1024x192xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}
