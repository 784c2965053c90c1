// A product's main loop, as the emulator sees its accesses to memory, with every tile of rounded factors.

// DEFINE: %{tiles} =
// DEFINE: %{launch} =
// DEFINE: %{lower} = qfa-opt %s --qfa-lower-to-gpu="emit=nvvm %{tiles}" -o %t.nvvm
// DEFINE: %{translate} = sed -n '/^  gpu.module/,/^  }/p' %t.nvvm | sed '1s/.*/module {/' | mlir-translate --mlir-to-llvmir -o %t.ll
// DEFINE: %{product} = qfa-gpu-emulate %t.ll --grid 1 %{launch} --mem --kernel
// DEFINE: %{linear} = %{product} linear__product --arg buffer:f32:245760 --arg buffer:f32:16 --arg buffer:f32:1638400 --arg buffer:bf16:655360:random --arg i64:0
// DEFINE: %{grad} = %{product} grad__product --arg buffer:f32:163840 --arg buffer:f32:16 --arg buffer:f32:1638400 --arg buffer:bf16:655360:random --arg i64:0
// DEFINE: %{outer} = %{product} outer__product --arg buffer:f32:245760 --arg buffer:f32:245760 --arg buffer:f32:1638400:random --arg buffer:bf16:655360:random --arg i64:0
// DEFINE: %{traffic} = %{linear} 2> %t.linear && %{grad} 2> %t.grad && %{outer} 2> %t.outer && cat %t.linear %t.grad %t.outer > %t.all
// DEFINE: %{wasted} = grep -E 'shared|cp.async' %t.all | not grep -v '(1.00x)'

// Tests that fragments of factors as stored and transposed are read without a bank conflict, and copies of tiles are
// whole sectors.
// CHECK: cp.async
// CHECK: ldmatrix
// CHECK: ldmatrix{{.*}}trans

// 64 x 64 x 64.
// REDEFINE: %{launch} = --block 128 --shared 49152
// RUN: %{lower}
// RUN: %{translate}
// RUN: %{traffic}
// RUN: FileCheck %s < %t.all
// RUN: %{wasted}

// 128 x 128 x 32: of 256 x 128 there are fewer than 60.
// REDEFINE: %{tiles} = multiprocessors=60
// RUN: %{lower}
// RUN: %{translate}
// RUN: %{traffic}
// RUN: FileCheck %s < %t.all
// RUN: %{wasted}

// 256 x 128 x 64, in two stages and in three.
// REDEFINE: %{tiles} = multiprocessors=1
// REDEFINE: %{launch} = --block 256 --shared 98304
// RUN: %{lower}
// RUN: %{translate}
// RUN: %{traffic}
// RUN: FileCheck %s < %t.all
// RUN: %{wasted}
// REDEFINE: %{tiles} = gpu-arch=90 multiprocessors=1
// REDEFINE: %{launch} = --block 256 --shared 147456
// RUN: %{lower}
// RUN: %{translate}
// RUN: %{traffic}
// RUN: FileCheck %s < %t.all
// RUN: %{wasted}

// 128 x 256 x 64 of warpgroups, whose products read shared memory themselves.
// REDEFINE: %{tiles} = gpu-arch=90a multiprocessors=1
// REDEFINE: %{launch} = --block 256 --shared 196608
// RUN: %{lower}
// RUN: %{translate}
// RUN: %{traffic}
// RUN: FileCheck %s --check-prefix=HOPPER < %t.all
// RUN: %{wasted}
// HOPPER: shared{{.*}}wgmma

qfa.kernel @linear {
^bb0(%x: tensor<1x1280x192xf32>, %w: !qfa.elastic<1280x192, bits = [4], group = 64, rank = 0, scales = f32>):
  %y = qfa.linear %x, %w : tensor<1x1280x192xf32>, !qfa.elastic<1280x192, bits = [4], group = 64, rank = 0, scales = f32> -> tensor<1x1280x1280xf32>
  qfa.yield %y : tensor<1x1280x1280xf32>
}
qfa.kernel @grad {
^bb0(%dy: tensor<1x1280x128xf32>, %w: !qfa.elastic<128x1280, bits = [4], group = 64, rank = 0, scales = f32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x1280x128xf32>, !qfa.elastic<128x1280, bits = [4], group = 64, rank = 0, scales = f32> -> tensor<1x1280x1280xf32>
  qfa.yield %dx : tensor<1x1280x1280xf32>
}
qfa.kernel @outer {
^bb0(%l: tensor<1x192x1280xf32>, %r: tensor<1x192x1280xf32>, %into: !qfa.buffer<1280x1280xf32>):
  qfa.accumulate_outer %l, %r into %into {scale = 0.5 : f32} : tensor<1x192x1280xf32>, tensor<1x192x1280xf32>, !qfa.buffer<1280x1280xf32>
  qfa.yield
}
