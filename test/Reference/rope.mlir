// RUN: qfa-interpret %s | FileCheck %s

// Tests heads of 3 of which 2 are rotated; a first position and a scaling; the way back; pairs far apart and neighbouring.
func.func @main() -> (tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %x = arith.constant dense<[[[0.25, -1.0, 0.0, -0.5, 0.75, -0.75], [0.25, 0.75, -0.5, 0.75, 0.75, -1.0]]]> : tensor<1x2x6xf32>
  %two = arith.constant dense<[2]> : tensor<1xi32>
  %a = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0]> : tensor<1xf64>} : tensor<1x2x6xf32>
  %b = qfa.rope %x at %two : tensor<1xi32> {num_heads = 2 : i64, inverse_frequencies = dense<[1.0]> : tensor<1xf64>, scaling = 0.5 : f32} : tensor<1x2x6xf32>
  %c = qfa.rope %a {num_heads = 2 : i64, inverse_frequencies = dense<[1.0]> : tensor<1xf64>, inverse} : tensor<1x2x6xf32>
  %x8 = arith.constant dense<[[[0.5, -1.0, 0.0, -0.25, -0.5, -0.25, 0.5, -0.25], [-0.75, 0.5, -0.0, 0.5, -0.5, -0.25, 0.5, 0.0]]]> : tensor<1x2x8xf32>
  %d = qfa.rope %x8 {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.5]> : tensor<2xf64>} : tensor<1x2x8xf32>
  %e = qfa.rope %x8 {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.5]> : tensor<2xf64>, interleaved} : tensor<1x2x8xf32>
  return %a, %b, %c, %d, %e : tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// CHECK: main 0: {{\[\[\[}}0.25, -1, 0, -0.5, 0.75, -0.75], [-0.496028, 0.615594, -0.5, -0.225877, 1.03633, -1]]]
// CHECK: main 1: {{\[\[\[}}0.40263, 0.321736, 0, -0.23695, -0.383379, -0.75], [-0.176669, -0.353607, -0.5, -0.424167, -0.318327, -1]]]
// CHECK: main 2: {{\[\[\[}}0.25, -1, 0, -0.5, 0.75, -0.75], [0.25, 0.75, -0.5, 0.75, 0.75, -1]]]
// CHECK: main 3: {{\[\[\[}}0.5, -1, 0, -0.25, -0.5, -0.25, 0.5, -0.25], [-0.405227, 0.199079, -0.631103, 0.678504, -0.690887, -0.219396, -0.150584, -0.119856]]]
// CHECK: main 4: {{\[\[\[}}0.5, -1, 0, -0.25, -0.5, -0.25, 0.5, -0.25], [-0.825962, -0.360952, -0.239713, 0.438791, -0.0597834, -0.555811, 0.438791, 0.239713]]]
