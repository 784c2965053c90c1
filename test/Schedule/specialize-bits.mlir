// RUN: qfa-opt %s --qfa-specialize-bits | FileCheck %s --check-prefix=TABLE
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16" --qfa-build-functions=functions=train_step --qfa-differentiate --qfa-specialize-bits="sampler=uniform" | FileCheck %s --check-prefix=TRAIN
// RUN: qfa-opt %s --qfa-specialize-bits="mode=static configuration=a=2,b=8" | FileCheck %s
// RUN: qfa-opt %s --qfa-specialize-bits="mode=static file=%S/Inputs/subnet.json" | FileCheck %s
// RUN: qfa-opt %s --qfa-specialize-bits="mode=static configuration=a=2,b=8 scale-type=f32" | FileCheck %s --check-prefix=F32

qfa.parameter @a.weight : tensor<8x8xf32> {storage = f32}
qfa.parameter @b.weight : tensor<8x8xf32> {storage = f32}
qfa.parameter @table.weight : tensor<8x8xf32> {storage = f32}
qfa.parameter @unused : tensor<8xf32> {storage = f32}
qfa.state cache @keys : !qfa.buffer<4x8xf32>
qfa.site @a bits [2, 3]
qfa.elastic @a.linear of @a.weight at @a : !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 2, scales = f32> {alpha = 4.0 : f32}
qfa.site @b bits [4, 8]
qfa.elastic @b.linear of @b.weight at @b : !qfa.elastic<8x8, bits = [4, 8], group = 4, rank = 0, scales = f32>
qfa.site @fixed bits [4]
qfa.elastic @table of @table.weight at @fixed : !qfa.elastic<8x8, bits = [4], group = 4, rank = 0, scales = f32>

func.func @eval(%x: tensor<1x2x8xf32>, %ids: tensor<1x2xi32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %a = qfa.elastic_ref @a.linear : !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 2, scales = f32>
  %u = qfa.group_pool %x {group = 4 : i64} : tensor<1x2x8xf32> -> tensor<1x2x2xf32>
  %xa = qfa.adapter_down %u, %a {scale = 0.5 : f32} : tensor<1x2x2xf32>, !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 2, scales = f32> -> tensor<1x2x2xf32>
  %y = qfa.linear %x, %a adapter(%xa : tensor<1x2x2xf32>) : tensor<1x2x8xf32>, !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 2, scales = f32> -> tensor<1x2x8xf32>
  %b = qfa.elastic_ref @b.linear : !qfa.elastic<8x8, bits = [4, 8], group = 4, rank = 0, scales = f32>
  %z = qfa.linear %y, %b : tensor<1x2x8xf32>, !qfa.elastic<8x8, bits = [4, 8], group = 4, rank = 0, scales = f32> -> tensor<1x2x8xf32>
  %t = qfa.elastic_ref @table : !qfa.elastic<8x8, bits = [4], group = 4, rank = 0, scales = f32>
  %e = qfa.embedding %ids, %t : tensor<1x2xi32>, !qfa.elastic<8x8, bits = [4], group = 4, rank = 0, scales = f32> -> tensor<1x2x8xf32>
  return %z, %e : tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// Tests that a table numbers sites, rows and trainables in the order of the module and rewrites nothing.
// TABLE: module attributes {qfa.mode = "table", qfa.sampler = "resource-balanced"}
// TABLE: qfa.site @a bits [2, 3]
// TABLE-NEXT: qfa.elastic @a.linear
// TABLE-NEXT: qfa.site @b bits [4, 8]
// TABLE-NEXT: qfa.elastic @b.linear
// TABLE-NEXT: qfa.site @fixed bits [4]
// TABLE: qfa.linear %{{.*}}, %{{.*}} adapter

// TRAIN: qfa.sampler = "uniform"
// TRAIN: qfa.trainable @model.layers.0.self_attn.q_proj.adapter_a
// TRAIN: qfa.trainable @model.layers.0.self_attn.q_proj.adapter_b

// Tests that a subnet has one width per site, no adapters, and only symbols that something refers to; alpha stays for the merge.
// CHECK: module attributes {qfa.mode = "static"}
// CHECK: qfa.parameter @a.weight
// CHECK-NOT: qfa.parameter @unused
// CHECK-NOT: qfa.state
// CHECK: qfa.site @a bits [2]
// CHECK-NEXT: qfa.elastic @a.linear of @a.weight at @a : !qfa.elastic<8x8, bits = [2], group = 4, rank = 0, scales = f16> {alpha = 4.000000e+00 : f32}
// CHECK-NEXT: qfa.site @b bits [8]
// CHECK-NEXT: qfa.elastic @b.linear of @b.weight at @b : !qfa.elastic<8x8, bits = [8], group = 4, rank = 0, scales = f16>
// CHECK-NEXT: qfa.site @fixed bits [4]
// CHECK: func.func @eval(%[[X:.*]]: tensor<1x2x8xf32>
// CHECK-NEXT: %[[A:.*]] = qfa.elastic_ref @a.linear : <8x8, bits = [2], group = 4, rank = 0, scales = f16>
// CHECK-NEXT: %[[Y:.*]] = qfa.linear %[[X]], %[[A]] : tensor<1x2x8xf32>, !qfa.elastic<8x8, bits = [2], group = 4, rank = 0, scales = f16>
// CHECK-NEXT: qfa.elastic_ref @b.linear

// F32: qfa.elastic @a.linear {{.*}}bits = [2], group = 4, rank = 0, scales = f32
