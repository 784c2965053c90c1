// RUN: qfa-opt %s --qfa-lower-kernels-to-cpu="isa=avx2" | FileCheck %s

// Tests that a group of elementwise ops is one loop over 4096 elements a tile, constants in registers.
// CHECK-LABEL: func.func @group
// CHECK-SAME: qfa.tiles = 2 : i64
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[A:.*]] = arith.addf {{.*}} : vector<8xf32>
// CHECK: %[[B:.*]] = arith.mulf %[[A]], {{.*}} : vector<8xf32>
// CHECK: llvm.store %[[B]], {{.*}} : vector<8xf32>
// CHECK: scf.for
// CHECK: arith.addf {{.*}} : f32
qfa.kernel @group {
^bb0(%a: tensor<5000xf32>, %b: tensor<5000xf32>):
  %c = arith.constant dense<0.25> : tensor<5000xf32>
  %s = arith.addf %a, %b : tensor<5000xf32>
  %p = arith.mulf %s, %c : tensor<5000xf32>
  qfa.yield %p : tensor<5000xf32>
}

// Tests that the gradient of a gate computes its activation once for both results.
// CHECK-LABEL: func.func @gate
// CHECK-COUNT-1: arith.divf {{.*}} : vector<8xf32>
// CHECK-NOT: arith.divf {{.*}} : vector<8xf32>
// CHECK: arith.divf {{.*}} : f32
qfa.kernel @gate {
^bb0(%gate: tensor<1x1x64xf32>, %up: tensor<1x1x64xf32>, %dy: tensor<1x1x64xf32>):
  %dgate, %dup = qfa.gated_activation_grad silu %gate, %up, %dy : tensor<1x1x64xf32>
  qfa.yield %dgate, %dup : tensor<1x1x64xf32>, tensor<1x1x64xf32>
}

// Tests that a sum of squares is one tile, with chunks added in f64: its order does not depend on the threads.
// CHECK-LABEL: func.func @norm
// CHECK-SAME: qfa.tiles = 1 : i64
// CHECK: arith.extf {{.*}} : f32 to f64
// CHECK: arith.truncf {{.*}} : f64 to f32
qfa.kernel @norm {
^bb0(%g: !qfa.buffer<10000xf32>):
  %n = qfa.gradient_norm %g : !qfa.buffer<10000xf32> -> tensor<1xf32>
  qfa.yield %n : tensor<1xf32>
}

// Tests that an optimizer step reads value, moments and corrections from the row of the trainable.
// CHECK-LABEL: func.func @adamw
// CHECK-SAME: qfa.tiles = 3 : i64
// CHECK-COUNT-3: llvm.load {{.*}} -> !llvm.ptr
// CHECK: math.sqrt
qfa.kernel @adamw {
^bb0(%t: !qfa.trainable<100x100xf32>, %g: !qfa.buffer<100x100xf32>, %hyper: tensor<8xf32>):
  qfa.adamw %t, %g, %hyper : !qfa.trainable<100x100xf32>, !qfa.buffer<100x100xf32>, tensor<8xf32>
  qfa.yield
}
