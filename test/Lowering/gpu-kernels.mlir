// Every kernel's launches and the instructions that its PTX must have: one file, so that none is forgotten. What the
// kernels compute is tested in test/unit/Kernels.
// RUN: qfa-opt %s --qfa-lower-kernels-to-gpu | FileCheck %s
// RUN: qfa-opt %s --qfa-lower-to-gpu="emit=ptx" | sed 's/\\0A/\n/g; s/\\09/ /g' > %t.ptx
// RUN: FileCheck %s --check-prefix=PTX < %t.ptx
// Nothing calls, and nothing is kept in local memory.
// RUN: not grep -E 'call|\.local' %t.ptx
// PTX: .target sm_80

!x = tensor<1x32x64xf32>
!y = tensor<1x32x96xf32>
!pooled = tensor<1x32x2xf32>
!low = tensor<1x32x8xf32>
!w = !qfa.elastic<96x64, bits = [2, 3, 4], group = 32, rank = 8, scales = f16>
!table = tensor<500x64xf32>
!gain = tensor<64xf32>
!ids = tensor<1x32xi32>
!losses = tensor<1x32xf32>
// Tests that elements are read and written four at a time.
// CHECK-LABEL: qfa.gpu_kernel @residual 
// CHECK: qfa.gpu_launch @kernels::@residual__elements grid [2, 1, 1] block 256 argument 0
// PTX-LABEL: .entry residual__elements(
// PTX: .reqntid 256
// PTX-COUNT-2: ld.global.v4.b32
// PTX: add.{{.*}}f32
// PTX: st.global.v4.b32
qfa.kernel @residual {
^bb0(%a: !x, %b: !x):
  %z = arith.addf %a, %b : !x
  qfa.yield %z : !x
}

// CHECK-LABEL: qfa.gpu_kernel @gated 
// CHECK: qfa.gpu_launch @kernels::@gated__elements grid [2, 1, 1] block 256 argument 0
// PTX-LABEL: .entry gated__elements(
// PTX-COUNT-2: ld.global.v4.b32
// PTX: rcp.rn.f32
// PTX: st.global.v4.b32
qfa.kernel @gated {
^bb0(%gate: !x, %up: !x):
  %z = qfa.gated_activation silu %gate, %up : !x
  qfa.yield %z : !x
}

// CHECK-LABEL: qfa.gpu_kernel @gated_grad 
// CHECK: qfa.gpu_launch @kernels::@gated_grad__elements grid [2, 1, 1] block 256 argument 0
// PTX-LABEL: .entry gated_grad__elements(
// PTX-COUNT-3: ld.global.v4.b32
// PTX: rcp.rn.f32
// PTX-COUNT-2: st.global.v4.b32
qfa.kernel @gated_grad {
^bb0(%gate: !x, %up: !x, %dy: !x):
  %dgate, %dup = qfa.gated_activation_grad silu %gate, %up, %dy : !x
  qfa.yield %dgate, %dup : !x, !x
}

// Tests that a block has a token, whose sum goes through the warps and then through shared memory.
// CHECK-LABEL: qfa.gpu_kernel @norm 
// CHECK: qfa.gpu_launch @kernels::@norm__rows grid [32, 1, 1] block 128 argument 0
// PTX-LABEL: .entry norm__rows(
// PTX: .reqntid 128
// PTX-COUNT-5: shfl.sync.bfly.b32
// PTX: bar.sync 0
// PTX: sqrt.rn.f32
qfa.kernel @norm {
^bb0(%a: !x, %g: !gain):
  %z = qfa.rms_norm %a, %g {epsilon = 1.0e-05 : f32} : !x, !gain
  qfa.yield %z : !x
}

// CHECK-LABEL: qfa.gpu_kernel @norm_grad 
// CHECK: qfa.gpu_launch @kernels::@norm_grad__rows grid [32, 1, 1] block 128 argument 0
// PTX-LABEL: .entry norm_grad__rows(
// PTX: bar.sync 0
// PTX: st.global.b32
qfa.kernel @norm_grad {
^bb0(%a: !x, %g: !gain, %dy: !x):
  %z = qfa.rms_norm_grad %a, %g, %dy {epsilon = 1.0e-05 : f32} : !x, !gain
  qfa.yield %z : !x
}

// Tests that the sum over tokens has no atomics: a thread has a column.
// CHECK-LABEL: qfa.gpu_kernel @gain_grad 
// CHECK: qfa.gpu_launch @kernels::@gain_grad__scales grid [32, 1, 1] block 128 argument 0
// CHECK: qfa.gpu_launch @kernels::@gain_grad__columns grid [1, 1, 1] block 128 argument 0
// PTX-LABEL: .entry gain_grad__scales(
// PTX: sqrt.rn.f32
// PTX-LABEL: .entry gain_grad__columns(
// PTX-NOT: atom
// PTX: st.global.b32
qfa.kernel @gain_grad {
^bb0(%a: !x, %dy: !x, %into: !qfa.buffer<64xf32>):
  qfa.rms_norm_gain_grad %a, %dy into %into {epsilon = 1.0e-05 : f32} : !x, !qfa.buffer<64xf32>
  qfa.yield
}

// CHECK-LABEL: qfa.gpu_kernel @embedding 
// CHECK: qfa.gpu_launch @kernels::@embedding__elements grid [8, 1, 1] block 256 argument 0
// PTX-LABEL: .entry embedding__elements(
// PTX-COUNT-2: ld.global
// PTX: st.global
qfa.kernel @embedding {
^bb0(%i: !ids, %t: !table):
  %z = qfa.embedding %i, %t : !ids, !table -> !x
  qfa.yield %z : !x
}

// CHECK-LABEL: qfa.gpu_kernel @embedding_grad 
// CHECK: qfa.gpu_launch @kernels::@embedding_grad__columns grid [1, 32, 1] block 128 argument 0
// PTX-LABEL: .entry embedding_grad__columns(
// PTX-NOT: atom
// PTX: st.global.b32
qfa.kernel @embedding_grad {
^bb0(%i: !ids, %dy: !x, %into: !qfa.buffer<500x64xf32>):
  qfa.embedding_grad %i, %dy into %into : !ids, !x, !qfa.buffer<500x64xf32>
  qfa.yield
}

// Tests that angles are computed in double precision, once for all heads.
// CHECK-LABEL: qfa.gpu_kernel @rope 
// CHECK: qfa.gpu_launch @kernels::@rope__angles grid [2, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@rope__pairs grid [4, 1, 1] block 256 argument 0
// PTX-LABEL: .entry rope__angles(
// PTX: fma.rn.f64
// PTX-LABEL: .entry rope__pairs(
// PTX-NOT: f64
// PTX: fma.rn.f32
qfa.kernel @rope {
^bb0(%a: !x):
  %z = qfa.rope %a {num_heads = 2 : i64, inverse_frequencies = dense<0.5> : tensor<16xf64>, scaling = 1.0 : f32} : !x
  qfa.yield %z : !x
}

// Tests that the lanes of a group of 32 add up what they read.
// CHECK-LABEL: qfa.gpu_kernel @pool 
// CHECK: qfa.gpu_launch @kernels::@pool__groups grid [8, 1, 1] block 256 argument 0
// PTX-LABEL: .entry pool__groups(
// PTX-COUNT-5: shfl.sync.bfly.b32
// PTX-NOT: shfl
qfa.kernel @pool {
^bb0(%a: !x):
  %z = qfa.group_pool %a {group = 32 : i64} : !x -> !pooled
  qfa.yield %z : !pooled
}

// CHECK-LABEL: qfa.gpu_kernel @unpool 
// CHECK: qfa.gpu_launch @kernels::@unpool__elements grid [8, 1, 1] block 256 argument 0
// PTX-LABEL: .entry unpool__elements(
// PTX: st.global
qfa.kernel @unpool {
^bb0(%a: !pooled):
  %z = qfa.group_unpool %a {group = 32 : i64} : !pooled -> !x
  qfa.yield %z : !x
}

// CHECK-LABEL: qfa.gpu_kernel @select 
// CHECK: qfa.gpu_launch @kernels::@select__elements grid [1, 1, 1] block 256 argument 0
// PTX-LABEL: .entry select__elements(
// PTX: st.global
qfa.kernel @select {
^bb0(%a: !x, %i: tensor<1xi32>):
  %z = qfa.select_token %a at %i : !x, tensor<1xi32> -> tensor<1x1x64xf32>
  qfa.yield %z : tensor<1x1x64xf32>
}

// Tests that activations are rounded and weights dequantized, with wide accesses, before a product whose tiles come by asynchronous copies; that
// weights need not wait; and that a library may make the product.
// CHECK-LABEL: qfa.gpu_kernel @linear 
// CHECK: qfa.gpu_launch @kernels::@linear__cast grid [128, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@linear__weight grid [1, 4, 1] block 128 argument 0 early
// CHECK: qfa.gpu_launch @kernels::@linear__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [32, 96, 80] left [0, 128] right [32768, 128] into 3 at [0, 96] scale 1.000000e+00{{$}}
// PTX-LABEL: .entry linear__cast(
// PTX-COUNT-2: ld.global.v4.b32
// PTX-COUNT-2: cvt.rn.bf16x2.f32
// PTX: st.global.v2.b32
// PTX-LABEL: .entry linear__weight(
// PTX: ld.global.v4.b32
// PTX: cvt.rn.bf16x2.f32
// PTX-LABEL: .entry linear__product(
// PTX: cp.async.cg.shared.global [{{.*}}], [{{.*}}], 16
// PTX: cp.async.commit_group
// PTX: cp.async.wait_group
// PTX: bar.sync 0
// PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// PTX: st.global.v2.b32
qfa.kernel @linear {
^bb0(%a: !x, %w: !w, %xa: !low):
  %z = qfa.linear %a, %w adapter(%xa : !low) : !x, !w -> !y
  qfa.yield %z : !y
}

// Tests that few tokens need no panels: codes meet activations in registers.
// CHECK-LABEL: qfa.gpu_kernel @linear_few 
// CHECK: qfa.gpu_launch @kernels::@linear_few__decode grid [3, 1, 1] block 512 argument 0
// PTX-LABEL: .entry linear_few__decode(
// PTX-NOT: mma
// PTX: fma.rn.f32
// PTX: shfl.sync.bfly.b32
qfa.kernel @linear_few {
^bb0(%a: tensor<1x1x64xf32>, %w: !w, %xa: tensor<1x1x8xf32>):
  %z = qfa.linear %a, %w adapter(%xa : tensor<1x1x8xf32>) : tensor<1x1x64xf32>, !w -> tensor<1x1x96xf32>
  qfa.yield %z : tensor<1x1x96xf32>
}

// Tests that a transposed factor is turned as it is loaded, and that one launch is two products.
// CHECK-LABEL: qfa.gpu_kernel @linear_grad 
// CHECK: qfa.gpu_launch @kernels::@linear_grad__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [32, 64, 96] left [0, 128] right [32768, 128] transposed_right into 2 at [0, 64] scale 1.000000e+00{{$}}
// CHECK-NEXT: qfa.gpu_product [32, 8, 96] left [0, 128] right [32896, 128] transposed_right into 3 at [0, 8] scale 1.000000e+00{{$}}
// PTX-LABEL: .entry linear_grad__product(
// PTX: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// PTX: mma.sync
qfa.kernel @linear_grad {
^bb0(%dy: !y, %w: !w):
  %dx, %dxa = qfa.linear_grad %dy, %w : !y, !w -> !x, !low
  qfa.yield %dx, %dxa : !x, !low
}

// CHECK-LABEL: qfa.gpu_kernel @outer 
// CHECK: qfa.gpu_launch @kernels::@outer__left grid [128, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@outer__right grid [128, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@outer__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [96, 8, 32] left [0, 128] transposed_left right [32768, 128] transposed_right into 2 at [0, 8] scale 5.000000e-01 plus 2{{$}}
// PTX-LABEL: .entry outer__product(
// PTX-NOT: ldmatrix.sync.aligned.m8n8.x4.shared
// PTX: mma.sync
qfa.kernel @outer {
^bb0(%dy: !y, %a: !low, %into: !qfa.buffer<96x8xf32>):
  qfa.accumulate_outer %dy, %a into %into {scale = 0.5 : f32} : !y, !low, !qfa.buffer<96x8xf32>
  qfa.yield
}

// CHECK-LABEL: qfa.gpu_kernel @down 
// CHECK: qfa.gpu_launch @kernels::@down__adapter grid [128, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@down__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [32, 8, 16] left [0, 128] right [32768, 128] into 2 at [0, 8] scale 5.000000e-01{{$}}
// PTX-LABEL: .entry down__product(
// PTX: mma.sync
qfa.kernel @down {
^bb0(%u: !pooled, %w: !w):
  %z = qfa.adapter_down %u, %w {scale = 0.5 : f32} : !pooled, !w -> !low
  qfa.yield %z : !low
}

// CHECK-LABEL: qfa.gpu_kernel @down_grad 
// CHECK: qfa.gpu_launch @kernels::@down_grad__product {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [32, 2, 16] left [0, 128] right [32768, 128] transposed_right into 2 at [0, 2] scale 5.000000e-01{{$}}
// PTX-LABEL: .entry down_grad__product(
// PTX: mma.sync
qfa.kernel @down_grad {
^bb0(%dy: !low, %w: !w):
  %z = qfa.adapter_down_grad %dy, %w {scale = 0.5 : f32} : !low, !w -> !pooled
  qfa.yield %z : !pooled
}

// Tests that only the gradient, whose epilogue rescales what is there, is not a library's product.
// CHECK-LABEL: qfa.gpu_kernel @loss 
// CHECK: qfa.gpu_launch @kernels::@loss__weight grid [512, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@loss__logits {{.*}} computes {
// CHECK: qfa.gpu_launch @kernels::@loss__softmax grid [128, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@loss__gradient {{.*}} argument 0 shared 49152{{$}}
// CHECK: qfa.gpu_launch @kernels::@loss__results grid [32, 1, 1] block 256 argument 0
// PTX-LABEL: .entry loss__softmax(
// PTX-COUNT-2: bar.sync 0
// PTX-LABEL: .entry loss__gradient(
// PTX: mma.sync
// PTX-LABEL: .entry loss__results(
// PTX: st.global.b32
qfa.kernel @loss {
^bb0(%h: !x, %t: !table, %l: !ids):
  %loss, %lse, %dh = qfa.cross_entropy %h, %t, %l : !x, !table, !ids -> !losses, !losses, !x
  qfa.yield %loss, %lse, %dh : !losses, !losses, !x
}

// CHECK-LABEL: qfa.gpu_kernel @head_grad 
// CHECK: qfa.gpu_launch @kernels::@head_grad__probabilities {{.*}} argument 0 shared 49152{{$}}
// CHECK: qfa.gpu_launch @kernels::@head_grad__outer {{.*}} computes {
// CHECK-NEXT: qfa.gpu_product [500, 64, 32] left [163840, 512] transposed_left right [0, 128] transposed_right into 4 at [0, 64] scale 1.000000e+00 plus 4{{$}}
// PTX-LABEL: .entry head_grad__probabilities(
// PTX: mma.sync
// PTX: cvt.rn.bf16x2.f32
// PTX-LABEL: .entry head_grad__outer(
// PTX: mma.sync
qfa.kernel @head_grad {
^bb0(%h: !x, %t: !table, %l: !ids, %lse: !losses, %into: !qfa.buffer<500x64xf32>):
  qfa.cross_entropy_weight_grad %h, %t, %l, %lse into %into : !x, !table, !ids, !losses, !qfa.buffer<500x64xf32>
  qfa.yield
}

// Tests that rows are rounded once and come by asynchronous copies, and that weights of values are the machine's 2^x,
// rounded in registers.
// CHECK-LABEL: qfa.gpu_kernel @attention 
// CHECK: qfa.gpu_launch @kernels::@attention__cast
// CHECK: qfa.gpu_launch @kernels::@attention__attend
// PTX-LABEL: .entry attention__cast(
// PTX: cvt.rn.bf16x2.f32
// PTX: st.global.v4.b32
// PTX-LABEL: .entry attention__attend(
// PTX-DAG: cp.async.cg.shared.global
// PTX-DAG: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-DAG: mma.sync
// PTX-DAG: ex2.approx.ftz.f32
// PTX-DAG: cvt.rn.bf16x2.f32
qfa.kernel @attention {
^bb0(%q: !x, %k: !x, %v: !x):
  %z, %lse = qfa.attention %q, %k, %v {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32} : !x, !x -> tensor<1x1x32xf32>
  qfa.yield %z, %lse : !x, tensor<1x1x32xf32>
}

// Tests that gradients of keys and of queries are walks of their own, without atomics.
// CHECK-LABEL: qfa.gpu_kernel @attention_grad 
// CHECK: qfa.gpu_launch @kernels::@attention_grad__cast
// CHECK: qfa.gpu_launch @kernels::@attention_grad__row_terms
// CHECK: qfa.gpu_launch @kernels::@attention_grad__keys
// CHECK: qfa.gpu_launch @kernels::@attention_grad__queries
// PTX-LABEL: .entry attention_grad__keys(
// PTX-NOT: atom
// PTX: mma.sync
// PTX-LABEL: .entry attention_grad__queries(
// PTX-NOT: atom
// PTX: mma.sync
qfa.kernel @attention_grad {
^bb0(%q: !x, %k: !x, %v: !x, %y: !x, %lse: tensor<1x1x32xf32>, %dy: !x):
  %dq, %dk, %dv = qfa.attention_grad %q, %k, %v, %y, %lse, %dy {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32} : !x, !x, tensor<1x1x32xf32>
  qfa.yield %dq, %dk, %dv : !x, !x, !x
}

// CHECK-LABEL: qfa.gpu_kernel @decode 
// CHECK: qfa.gpu_launch @kernels::@decode__decode grid [1, 1, 1] block 256 argument 0
// PTX-LABEL: .entry decode__decode(
// PTX: shfl.sync.bfly.b32
// PTX: bar.sync 0
qfa.kernel @decode {
^bb0(%q: tensor<1x1x64xf32>, %k: tensor<1x1x64xf32>, %p: tensor<1xi32>, %keys: !qfa.buffer<64x64xf32>, %values: !qfa.buffer<64x64xf32>):
  %z = qfa.cached_attention %q, %k, %k, %p, %keys, %values {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 0.125 : f32}
      : tensor<1x1x64xf32>, tensor<1x1x64xf32>, tensor<1xi32>, !qfa.buffer<64x64xf32>
  qfa.yield %z : tensor<1x1x64xf32>
}

// CHECK-LABEL: qfa.gpu_kernel @norm_of_gradients 
// CHECK: qfa.gpu_launch @kernels::@norm_of_gradients__squares grid [4, 1, 1] block 256 argument 0
// CHECK: qfa.gpu_launch @kernels::@norm_of_gradients__sum grid [1, 1, 1] block 256 argument 0
// PTX-LABEL: .entry norm_of_gradients__squares(
// PTX-NOT: atom
// PTX-LABEL: .entry norm_of_gradients__sum(
// PTX: st.global.b32
qfa.kernel @norm_of_gradients {
^bb0(%g: !qfa.buffer<1000xf32>):
  %n = qfa.gradient_norm %g : !qfa.buffer<1000xf32> -> tensor<1xf32>
  qfa.yield %n : tensor<1xf32>
}

// CHECK-LABEL: qfa.gpu_kernel @adamw 
// CHECK: qfa.gpu_launch @kernels::@adamw__elements grid [1, 1, 1] block 256 argument 0
// PTX-LABEL: .entry adamw__elements(
// PTX: sqrt.rn.f32
// PTX: div.rn.f32
// PTX-COUNT-3: st.global.b32
qfa.kernel @adamw {
^bb0(%t: !qfa.trainable<16x9xf32>, %g: !qfa.buffer<16x9xf32>, %h: tensor<8xf32>):
  qfa.adamw %t, %g, %h : !qfa.trainable<16x9xf32>, !qfa.buffer<16x9xf32>, tensor<8xf32>
  qfa.yield
}
