// RUN: qfa-opt %s --qfa-lower-program | FileCheck %s

// Tests that operands are addresses in io, the arena and the parameter table, and that results are copied out.
qfa.parameter @first : tensor<4xf32> {storage = f32}
qfa.parameter @gain : tensor<8xf32> {storage = f32}
qfa.kernel @other {
^bb0(%x: tensor<1x1x8xf32>):
  qfa.yield %x : tensor<1x1x8xf32>
}
qfa.kernel @norm {
^bb0(%x: tensor<1x1x8xf32>, %g: tensor<8xf32>):
  %y = qfa.rms_norm %x, %g {epsilon = 1.0e-05 : f32} : tensor<1x1x8xf32>, tensor<8xf32>
  qfa.yield %y : tensor<1x1x8xf32>
}
// CHECK: llvm.func @qfa_entry_f(%[[CONTEXT:.*]]: !llvm.ptr, %[[IO:.*]]: !llvm.ptr)
// CHECK: %[[ARGS:.*]] = llvm.alloca %{{.*}} x !llvm.array<3 x ptr>
// CHECK: %[[RUNTIME:.*]] = llvm.load %[[CONTEXT]]
// CHECK: %[[X:.*]] = llvm.load %[[IO]]
// CHECK: llvm.store %[[X]], %[[ARGS]]
// The second parameter: 8 bytes into the table.
// CHECK: llvm.mlir.constant(8 : i64)
// CHECK: %[[KERNEL:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.call %{{.*}}(%[[RUNTIME]], %[[KERNEL]], %[[ARGS]])
// CHECK: llvm.call %{{.*}}(%[[RUNTIME]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK: llvm.return
// CHECK-NOT: func.func
func.func @f(%x: tensor<1x1x8xf32>) -> tensor<1x1x8xf32> attributes {qfa.arena_bytes = 128 : i64} {
  %g = qfa.weight @gain : tensor<8xf32>
  %y = qfa.launch @norm(%x, %g) {offsets = array<i64: 64>} : (tensor<1x1x8xf32>, tensor<8xf32>) -> tensor<1x1x8xf32>
  return %y : tensor<1x1x8xf32>
}
