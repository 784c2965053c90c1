// RUN: qfa-opt %s --qfa-fold-gradient-sums | FileCheck %s

// Tests that every op that can add does.
// CHECK-LABEL: func.func @folds
// CHECK-NEXT: %[[DX:.*]] = qfa.linear_grad %[[DY:.*]], %[[W:.*]] plus %[[B:.*]] : tensor<2x8x16xf32>
// CHECK-NEXT: %[[UP:.*]] = qfa.group_unpool %{{.*}} plus %[[DX]]
// CHECK-NEXT: %[[DN:.*]] = qfa.rms_norm_grad %{{.*}}, %{{.*}}, %{{.*}} plus %[[UP]]
// CHECK-NEXT: return %[[DN]]
func.func @folds(%dy: tensor<2x8x32xf32>, %w: tensor<32x16xf32>, %b: tensor<2x8x16xf32>, %u: tensor<2x8x2xf32>, %gain: tensor<16xf32>) -> tensor<2x8x16xf32> {
  %a = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
  %0 = arith.addf %b, %a : tensor<2x8x16xf32>
  %1 = qfa.group_unpool %u {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %2 = arith.addf %1, %0 : tensor<2x8x16xf32>
  %3 = qfa.rms_norm_grad %b, %gain, %b {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>
  %4 = arith.addf %2, %3 : tensor<2x8x16xf32>
  return %4 : tensor<2x8x16xf32>
}

// Tests that an op moves down to the sum when the addend comes later.
// CHECK-LABEL: func.func @moves
// CHECK: %[[LATER:.*]] = arith.mulf
// CHECK-NEXT: %[[SUM:.*]] = qfa.group_unpool %{{.*}} plus %[[LATER]]
// CHECK-NEXT: return %[[SUM]]
func.func @moves(%x: tensor<2x8x16xf32>, %u: tensor<2x8x2xf32>) -> tensor<2x8x16xf32> {
  %0 = qfa.group_unpool %u {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %1 = arith.mulf %x, %x : tensor<2x8x16xf32>
  %2 = arith.addf %0, %1 : tensor<2x8x16xf32>
  return %2 : tensor<2x8x16xf32>
}

// Tests that a result with another use, a second addend, and an op whose other result is read before the sum are left alone.
// CHECK-LABEL: func.func @stays
// CHECK-COUNT-3: arith.addf
func.func @stays(%x: tensor<2x8x16xf32>, %u: tensor<2x8x2xf32>, %dy: tensor<2x8x32xf32>,
                 %w: !qfa.elastic<32x16, bits = [2], group = 8, rank = 2, scales = f32>) -> (tensor<2x8x16xf32>, tensor<2x8x16xf32>, tensor<2x8x16xf32>, tensor<2x8x16xf32>) {
  %used = qfa.group_unpool %u {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %0 = arith.addf %x, %used : tensor<2x8x16xf32>
  %full = qfa.group_unpool %u plus %x : tensor<2x8x16xf32> {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %1 = arith.addf %full, %x : tensor<2x8x16xf32>
  %dx, %da = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, !qfa.elastic<32x16, bits = [2], group = 8, rank = 2, scales = f32> -> tensor<2x8x16xf32>, tensor<2x8x2xf32>
  %later = qfa.group_unpool %da plus %x : tensor<2x8x16xf32> {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  %2 = arith.addf %dx, %later : tensor<2x8x16xf32>
  return %used, %0, %1, %2 : tensor<2x8x16xf32>, tensor<2x8x16xf32>, tensor<2x8x16xf32>, tensor<2x8x16xf32>
}
