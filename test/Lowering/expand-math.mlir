// RUN: qfa-opt %s --qfa-expand-math | FileCheck %s

// Tests that erf, sin and cos of vectors become arithmetic, so that no lane calls a library.
// CHECK-LABEL: func.func @vectors
// CHECK-NOT: math.erf
// CHECK-NOT: math.sin
// CHECK-NOT: math.cos
// CHECK: math.fma
// CHECK: return
func.func @vectors(%x: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %e = math.erf %x : vector<8xf32>
  %s = math.sin %x : vector<8xf32>
  %c = math.cos %x : vector<8xf32>
  return %e, %s, %c : vector<8xf32>, vector<8xf32>, vector<8xf32>
}

// Tests that square roots stay: processors have them.
// CHECK-LABEL: func.func @roots
// CHECK: math.sqrt
func.func @roots(%x: vector<8xf32>) -> vector<8xf32> {
  %r = math.sqrt %x : vector<8xf32>
  return %r : vector<8xf32>
}
