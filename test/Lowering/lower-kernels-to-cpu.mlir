// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=avx2" --canonicalize --split-input-file | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=portable" --split-input-file | FileCheck %s --check-prefix=PORTABLE
// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=avx512" --qfa-lower-kernels-to-llvm --split-input-file | FileCheck %s --check-prefix=LLVM

// Tests that a kernel becomes a function of the module ABI that reads its operands' and results' pointers, that an elastic
// weight's width is chosen when it runs, that tokens pass the panels of a block, and that the adapter's product is added.
// CHECK-LABEL: func.func @linear(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %[[SCRATCH:.*]]: !llvm.ptr)
// CHECK-SAME: passthrough = {{\[\[}}"target-cpu", "x86-64-v3"]]
// CHECK-SAME: qfa.flops = 630784 : i64, qfa.scratch_bytes = 6144 : i64, qfa.tiles = 2 : i64
// CHECK: %[[X:.*]] = llvm.load %[[ARGS]] {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// CHECK: %[[BITS:.*]] = llvm.load {{.*}} : !llvm.ptr -> i32
// CHECK: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: scf.index_switch
// CHECK: case 2
// CHECK: call @dequantize_columns_b2_f32__avx2(
// CHECK: case 4
// CHECK: call @dequantize_columns_b4_f32__avx2(
// CHECK: call @product__avx2(%[[X]], %c48_i64, %[[SCRATCH]], {{.*}}, %false)
// CHECK: call @pack_columns__avx2(%[[SCRATCH]],
// CHECK: call @product__avx2({{.*}}, %true)

// Tests that the micro-kernel keeps its 6 x 16 tile in registers while the depth passes.
// CHECK: func.func @micro_kernel_6__avx2({{.*}}) attributes {llvm.linkage = #llvm.linkage<internal>
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: math.fma {{.*}} : vector<8xf32>

// Tests that without fused instructions no fused operation is asked for.
// PORTABLE-LABEL: func.func @linear(
// PORTABLE-NOT: math.fma
// PORTABLE: vector<4xf32>
// PORTABLE-NOT: math.fma

// Tests that the pipeline leaves LLVM's dialect only, with the launch attributes.
// LLVM-NOT: {{(= |  )(arith|scf|vector|math|cf|func)\.}}
// LLVM: llvm.func @linear({{.*}}) attributes {passthrough = {{\[\[}}"target-cpu", "x86-64-v4"], ["prefer-vector-width", "512"]], {{.*}}qfa.tiles = 2 : i64}
// LLVM: llvm.func internal @{{.*}}__avx512
// LLVM-NOT: {{(= |  )(arith|scf|vector|math|cf|func)\.}}
qfa.kernel @linear {
^bb0(%x: tensor<1x77x48xf32>, %w: !qfa.elastic<64x48, bits = [2, 4], group = 16, rank = 16, scales = f32>, %a: tensor<1x77x16xf32>):
  %y = qfa.linear %x, %w adapter(%a : tensor<1x77x16xf32>) : tensor<1x77x48xf32>, !qfa.elastic<64x48, bits = [2, 4], group = 16, rank = 16, scales = f32> -> tensor<1x77x64xf32>
  qfa.yield %y : tensor<1x77x64xf32>
}

// -----

// Tests that one width needs no choice, that few tokens need no panels, and that other functions are left alone.
// CHECK-LABEL: func.func @decode(
// CHECK-SAME: qfa.scratch_bytes = 0
// CHECK-NOT: scf.index_switch
// CHECK: call @decode_b3_f16_1_64x48g16__avx2
// CHECK-NOT: product
// CHECK: func.func @other(%{{.*}}: f32) -> f32 {
qfa.kernel @decode {
^bb0(%x: tensor<1x1x48xf32>, %w: !qfa.elastic<64x48, bits = [3], group = 16, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x48xf32>, !qfa.elastic<64x48, bits = [3], group = 16, rank = 0, scales = f16> -> tensor<1x1x64xf32>
  qfa.yield %y : tensor<1x1x64xf32>
}
func.func @other(%x: f32) -> f32 {
  return %x : f32
}

// -----

// Tests that two kernels share their functions, that a gradient has one more tile for its adapter, and that an addend is
// where the product is added.
// CHECK-LABEL: func.func @first(
// CHECK-SAME: qfa.tiles = 3 : i64
// CHECK: scf.if
// CHECK: call @copy_matrix__avx2
// CHECK: call @dequantize_rows_b2_f32_g16__avx2
// CHECK: call @product__avx2({{.*}}, %true)
// CHECK: else
// CHECK: call @pack_rows__avx2
// CHECK: call @product__avx2
// CHECK: func.func @second(
// CHECK: func.func @copy_matrix__avx2
// CHECK-COUNT-1: func.func @product__avx2
// CHECK-NOT: func.func @product__avx2
qfa.kernel @first {
^bb0(%dy: tensor<1x77x64xf32>, %w: !qfa.elastic<64x48, bits = [2], group = 16, rank = 16, scales = f32>, %plus: tensor<1x77x48xf32>):
  %dx, %da = qfa.linear_grad %dy, %w plus %plus : tensor<1x77x48xf32> : tensor<1x77x64xf32>, !qfa.elastic<64x48, bits = [2], group = 16, rank = 16, scales = f32> -> tensor<1x77x48xf32>, tensor<1x77x16xf32>
  qfa.yield %dx, %da : tensor<1x77x48xf32>, tensor<1x77x16xf32>
}
qfa.kernel @second {
^bb0(%dy: tensor<1x77x64xf32>, %w: tensor<64x48xf32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x77x64xf32>, tensor<64x48xf32> -> tensor<1x77x48xf32>
  qfa.yield %dx : tensor<1x77x48xf32>
}

// -----

// Tests that cross-entropy dequantizes once for both products, the second of which reads the weights transposed.
// CHECK-LABEL: func.func @cross_entropy(
// CHECK-SAME: qfa.tiles = 2 : i64
// CHECK: call @pack_columns__avx2
// CHECK: scf.for
// CHECK: call @dequantize_rows_b8_f32_g16__avx2
// CHECK: call @product__avx2
// CHECK: call @product_transposed__avx2
// CHECK: call @dequantize_row_b8_f32_g16__avx2
qfa.kernel @cross_entropy {
^bb0(%h: tensor<1x77x48xf32>, %w: !qfa.elastic<300x48, bits = [8], group = 16, rank = 0, scales = f32>, %labels: tensor<1x77xi32>):
  %loss, %lse, %dh = qfa.cross_entropy %h, %w, %labels : tensor<1x77x48xf32>, !qfa.elastic<300x48, bits = [8], group = 16, rank = 0, scales = f32>, tensor<1x77xi32> -> tensor<1x77xf32>, tensor<1x77xf32>, tensor<1x77x48xf32>
  qfa.yield %loss, %lse, %dh : tensor<1x77xf32>, tensor<1x77xf32>, tensor<1x77x48xf32>
}
