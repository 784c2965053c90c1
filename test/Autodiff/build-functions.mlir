// RUN: qfa-opt %s --qfa-build-functions="batch=2 sequence=8 prefill=4 context=16 functions=train_step,eval_step,logits,prefill,decode" | FileCheck %s
// RUN: qfa-opt %s --qfa-build-functions="functions=decode" | FileCheck %s --check-prefix=DECODE
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16" --qfa-build-functions="functions=eval_step" | FileCheck %s --check-prefix=ELASTIC

qfa.parameter @table : tensor<8x4xf32> {storage = f32}
qfa.parameter @gain : tensor<4xf32> {storage = f32}

// One head that attends over the embedding, whose scale is a splat of the dynamic shape.
func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %table = qfa.weight @table : tensor<8x4xf32>
  %gain = qfa.weight @gain : tensor<4xf32>
  %e = qfa.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  %two = arith.constant 2.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %splat = tensor.splat %two[%b, %s] : tensor<?x?x4xf32>
  %x = arith.mulf %e, %splat : tensor<?x?x4xf32>
  %q = qfa.rope %x {num_heads = 1 : i64, inverse_frequencies = dense<[1.0, 0.1]> : tensor<2xf64>} : tensor<?x?x4xf32>
  %a, %lse = qfa.attention %q, %q, %x {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.5 : f32, window = 3 : i64}
      : tensor<?x?x4xf32>, tensor<?x?x4xf32> -> tensor<?x1x?xf32>
  %y = qfa.rms_norm %a, %gain {epsilon = 1.0e-05 : f32} : tensor<?x?x4xf32>, tensor<4xf32>
  %logits = qfa.linear %y, %table : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}

// Tests that the caches are declared once for both functions that use them.
// CHECK: qfa.state cache @attention.0.keys : !qfa.buffer<16x4xf32>
// CHECK-NEXT: qfa.state cache @attention.0.values : !qfa.buffer<16x4xf32>
// CHECK-NOT: qfa.state
// CHECK-NOT: @forward

// Tests that the step ends in the loss with its gradient, that dynamic dimensions are batch and sequence, that a splat becomes
// a constant, and that nothing is left of the shape arithmetic.
// CHECK: func.func @train_step(%[[IDS:.*]]: tensor<2x8xi32>, %[[LABELS:.*]]: tensor<2x8xi32>) -> tensor<2x8xf32>
// CHECK-DAG: %[[TABLE:.*]] = qfa.weight @table
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.000000e+00> : tensor<2x8x4xf32>
// CHECK-NOT: tensor.dim
// CHECK-NOT: index
// CHECK: arith.mulf %{{.*}}, %[[TWO]] : tensor<2x8x4xf32>
// CHECK: qfa.attention %[[Q:.*]], %[[Q]], {{.*}} -> tensor<2x1x8xf32>
// CHECK: %[[Y:.*]] = qfa.rms_norm
// CHECK-NEXT: %[[LOSS:.*]], %{{.*}}, %{{.*}} = qfa.cross_entropy %[[Y]], %[[TABLE]], %[[LABELS]] : {{.*}} -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>
// CHECK-NEXT: return %[[LOSS]] : tensor<2x8xf32>

// Tests that evaluation has no gradient.
// CHECK-LABEL: func.func @eval_step
// CHECK: %[[LOSS:.*]], %{{.*}} = qfa.cross_entropy {{.*}} -> tensor<2x8xf32>, tensor<2x8xf32>{{$}}

// CHECK-LABEL: func.func @logits(%{{.*}}: tensor<2x8xi32>) -> tensor<2x8x8xf32>
// CHECK: %[[LOGITS:.*]] = qfa.linear {{.*}} -> tensor<2x8x8xf32>
// CHECK-NEXT: return %[[LOGITS]]

// Tests that prefill rotates from the position on, appends to the caches with the attributes of attention, and computes the
// logits of one token.
// CHECK-LABEL: func.func @prefill
// CHECK-SAME: (%{{.*}}: tensor<1x4xi32>, %[[POSITION:.*]]: tensor<1xi32>, %[[LAST:.*]]: tensor<1xi32>) -> tensor<1x1x8xf32>
// CHECK: %[[Q:.*]] = qfa.rope %{{.*}} at %[[POSITION]]
// CHECK-DAG: %[[KEYS:.*]] = qfa.state_ref @attention.0.keys
// CHECK-DAG: %[[VALUES:.*]] = qfa.state_ref @attention.0.values
// CHECK: qfa.cached_attention %[[Q]], %[[Q]], %{{.*}}, %[[POSITION]], %[[KEYS]], %[[VALUES]] {{{.*}}scale = 5.000000e-01 : f32, window = 3 : i64}
// CHECK: %[[Y:.*]] = qfa.rms_norm
// CHECK-NEXT: %[[ONE:.*]] = qfa.select_token %[[Y]] at %[[LAST]] : tensor<1x4x4xf32>, tensor<1xi32> -> tensor<1x1x4xf32>
// CHECK-NEXT: qfa.linear %[[ONE]]

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%{{.*}}: tensor<1x1xi32>, %[[POSITION:.*]]: tensor<1xi32>) -> tensor<1x1x8xf32>
// CHECK-NOT: qfa.select_token
// CHECK: qfa.linear

// Tests that only what is asked for is built.
// DECODE: qfa.state cache @attention.0.keys : !qfa.buffer<2048x4xf32>
// DECODE-COUNT-1: func.func
// DECODE-NOT: func.func

// Tests that an elastic head is the weight of the loss.
// ELASTIC: func.func @eval_step(%{{.*}}: tensor<2x256xi32>
// ELASTIC: qfa.cross_entropy %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x256x32xf32>, !qfa.elastic<64x32
