// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @cached_attention
func.func @cached_attention(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %v: tensor<1x1x8xf32>, %position: tensor<1xi32>,
    %keys: !qfa.buffer<64x8xf32>, %values: !qfa.buffer<64x8xf32>) {
  // CHECK: %{{.*}} = qfa.cached_attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 5.000000e-01 : f32} : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, <64x8xf32>
  %y = qfa.cached_attention %q, %k, %v, %position, %keys, %values {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
      : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
  return
}
