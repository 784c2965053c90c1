// The main loop of a product by warpgroups. What it computes is tested in test/unit/Kernels.
// RUN: qfa-opt %s --qfa-lower-to-gpu="emit=ptx gpu-arch=90a multiprocessors=1" | sed 's/\\0A/\n/g; s/\\09/ /g' | tr -s ' ' | FileCheck %s

// CHECK: .target sm_90a
// CHECK-LABEL: .entry linear__product(
// CHECK: .reqntid 256
// CHECK-COUNT-12: cp.async.cg.shared.global
// CHECK: cp.async.commit_group
// CHECK-COUNT-12: cp.async.cg.shared.global
// CHECK: cp.async.commit_group
// Tests that only the products of the tile before are waited for as the next begin, that copies are fenced before
// threads meet, and that nothing reads the sums before the last products have been waited for.
// CHECK: cp.async.commit_group
// CHECK-NEXT: wgmma.wait_group.sync.aligned 1;
// CHECK: cp.async.wait_group 1;
// CHECK-NEXT: fence.proxy.async.shared::cta;
// CHECK-NEXT: bar.sync 0;
// CHECK: wgmma.fence.sync.aligned;
// CHECK-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
// CHECK-NOT: wgmma.mma_async
// CHECK: wgmma.commit_group.sync.aligned;
// CHECK-COUNT-12: cp.async.cg.shared.global
// CHECK-NOT: .f32
// CHECK: wgmma.wait_group.sync.aligned 0;
// CHECK: begin inline asm
// CHECK: st.global
qfa.kernel @linear {
^bb0(%x: tensor<1x256x640xf32>, %w: tensor<256x640xf32>):
  %y = qfa.linear %x, %w : tensor<1x256x640xf32>, tensor<256x640xf32> -> tensor<1x256x256xf32>
  qfa.yield %y : tensor<1x256x256xf32>
}
