// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>, %v: tensor<1x8x8xf32>) {
  // CHECK: %{{.*}} = qfa.attention %{{.*}}, %{{.*}}, %{{.*}} {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 5.000000e-01 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
      : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%q: tensor<?x?x16xf32>, %k: tensor<?x?x8xf32>, %v: tensor<?x?x8xf32>) {
  // CHECK: %{{.*}} = qfa.attention %{{.*}}, %{{.*}}, %{{.*}} {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 5.000000e-01 : f32, softcap = 5.000000e+01 : f32, window = 3 : i64} : tensor<?x?x16xf32>, tensor<?x?x8xf32> -> tensor<?x4x?xf32>
  %y, %lse = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32, window = 3 : i64, softcap = 50.0 : f32}
      : tensor<?x?x16xf32>, tensor<?x?x8xf32> -> tensor<?x4x?xf32>
  return
}
