// RUN: %python %S/Inputs/write_safetensors.py %t "p=[[0, 1, 2, 3], [-1, -1, -1, 2]]" "w.b2.adapter_a=[[0.5], [-1]]" "w.b2.adapter_b=[[1, 2], [0, -0.5]]"
// RUN: qfa-interpret %s --weights %t --bits 2 | FileCheck %s

// Tests an elastic weight that 2 bits hold exactly: the down product, the linear with its adapter, and their gradients.
qfa.parameter @p : tensor<2x4xf32> {storage = f32}
qfa.site @s bits [2, 4]
qfa.elastic @w of @p at @s : !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32>

func.func @main() -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>) {
  %x = arith.constant dense<[[[1.0, -0.5, 0.75, -0.75], [-0.25, -0.75, 0.75, 0.75]]]> : tensor<1x2x4xf32>
  %dy = arith.constant dense<[[[-0.75, 0.0], [-0.5, -0.0]]]> : tensor<1x2x2xf32>
  %w = qfa.elastic_ref @w : !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32>
  %u = qfa.group_pool %x {group = 4 : i64} : tensor<1x2x4xf32> -> tensor<1x2x1xf32>
  %xa = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<1x2x1xf32>, !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32> -> tensor<1x2x2xf32>
  %y = qfa.linear %x, %w adapter(%xa : tensor<1x2x2xf32>) : tensor<1x2x4xf32>, !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32> -> tensor<1x2x2xf32>
  %dx, %dxa = qfa.linear_grad %dy, %w plus %x : tensor<1x2x4xf32> : tensor<1x2x2xf32>, !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32> -> tensor<1x2x4xf32>, tensor<1x2x2xf32>
  %du = qfa.adapter_down_grad %dxa, %w {scale = 0.5 : f32} : tensor<1x2x2xf32>, !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 2, scales = f32> -> tensor<1x2x1xf32>
  return %xa, %y, %dx, %dxa, %du : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<1x2x1xf32>
}

// CHECK: main 0: {{\[\[\[}}0.125, -0.25], [0.125, -0.25]]]
// CHECK: main 1: {{\[\[\[}}-1.625, -2.625], [2.625, 1.875]]]
// CHECK: main 2: {{\[\[\[}}1, -1.25, -0.75, -3], [-0.25, -1.25, -0.25, -0.75]]]
// CHECK: main 3: {{\[\[\[}}-0.75, -1.5], [-0.5, -1]]]
// CHECK: main 4: {{\[\[\[}}0.5625], [0.375]]]
