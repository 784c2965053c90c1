// RUN: qfa-opt %s --qfa-insert-optimizer | FileCheck %s
// RUN: qfa-opt %s --qfa-insert-optimizer --qfa-insert-optimizer | FileCheck %s
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-insert-optimizer | FileCheck %s --check-prefix=NOTHING

// Tests that all gradients are measured at once, the cache not among them, and that every trainable has its step.
qfa.parameter @a : tensor<2x3xf32> {storage = f32}
qfa.parameter @b : tensor<4xf32> {storage = f32}
qfa.state gradient @a.gradient : !qfa.buffer<2x3xf32>
qfa.trainable @a.trainable of @a role "value" gradient @a.gradient : !qfa.trainable<2x3xf32>
qfa.state cache @keys : !qfa.buffer<5xf32>
qfa.state gradient @b.gradient : !qfa.buffer<4xf32>
qfa.trainable @b.trainable of @b role "value" gradient @b.gradient : !qfa.trainable<4xf32>

// CHECK: func.func @gradient_norm() -> tensor<1xf32>
// CHECK-NEXT: %[[ALL:.*]] = qfa.state_all gradient : <10xf32>
// CHECK-NEXT: %[[NORM:.*]] = qfa.gradient_norm %[[ALL]]
// CHECK-NEXT: return %[[NORM]]
// CHECK: func.func @update(%[[HYPER:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[A:.*]] = qfa.trainable_ref @a.trainable
// CHECK-NEXT: %[[GA:.*]] = qfa.state_ref @a.gradient
// CHECK-NEXT: qfa.adamw %[[A]], %[[GA]], %[[HYPER]]
// CHECK-NEXT: %[[B:.*]] = qfa.trainable_ref @b.trainable
// CHECK-NEXT: %[[GB:.*]] = qfa.state_ref @b.gradient
// CHECK-NEXT: qfa.adamw %[[B]], %[[GB]], %[[HYPER]]
// CHECK-NEXT: return
// CHECK-NOT: func.func

// NOTHING-NOT: @update
