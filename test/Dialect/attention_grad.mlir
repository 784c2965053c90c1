// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @attention_grad
func.func @attention_grad(%q: tensor<1x8x16xf32>, %k: tensor<1x8x8xf32>, %v: tensor<1x8x8xf32>, %y: tensor<1x8x16xf32>, %lse: tensor<1x4x8xf32>, %dy: tensor<1x8x16xf32>) {
  // CHECK: %{{.*}} = qfa.attention_grad %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 5.000000e-01 : f32} : tensor<1x8x16xf32>, tensor<1x8x8xf32>, tensor<1x4x8xf32>
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %v, %y, %lse, %dy {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
      : tensor<1x8x16xf32>, tensor<1x8x8xf32>, tensor<1x4x8xf32>
  return
}
