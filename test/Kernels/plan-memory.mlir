// RUN: qfa-opt %s --qfa-plan-memory --split-input-file | FileCheck %s

qfa.kernel @small {
^bb0(%x: tensor<1x1x16xf32>):
  %y = arith.negf %x : tensor<1x1x16xf32>
  qfa.yield %y : tensor<1x1x16xf32>
}

// Tests that a result's place is free again after its last reader, but not for the launch that reads it.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: qfa.arena_bytes = 128
// CHECK: qfa.launch @small(%arg0) {offsets = array<i64: [[A:0|64]]>}
// CHECK: qfa.launch @small(%{{.*}}) {offsets = array<i64: [[B:0|64]]>}
// CHECK: qfa.launch @small(%{{.*}}) {offsets = array<i64: [[A]]>}
func.func @chain(%x: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %a = qfa.launch @small(%x) : (tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %b = qfa.launch @small(%a) : (tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %c = qfa.launch @small(%b) : (tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %c : tensor<1x1x16xf32>
}

// -----

qfa.kernel @odd {
^bb0(%x: tensor<1x1x5xf32>):
  %y = arith.negf %x : tensor<1x1x5xf32>
  qfa.yield %y : tensor<1x1x5xf32>
}

// Tests that sizes are rounded up to 64 bytes and that a value read late keeps its place.
// CHECK-LABEL: func.func @late_reader
// CHECK-SAME: qfa.arena_bytes = 192
func.func @late_reader(%x: tensor<1x1x5xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %a = qfa.launch @odd(%x) : (tensor<1x1x5xf32>) -> tensor<1x1x5xf32>
  %b = qfa.launch @odd(%a) : (tensor<1x1x5xf32>) -> tensor<1x1x5xf32>
  %c = qfa.launch @odd(%b) : (tensor<1x1x5xf32>) -> tensor<1x1x5xf32>
  return %a, %c : tensor<1x1x5xf32>, tensor<1x1x5xf32>
}
