// Kernels of SmolLM2-135M at 512 tokens: qfa-kernel-bench benchmarks/kernels.mlir, or benchmarks/kernels.py beside sgemm.

qfa.kernel @linear_dense_576x576 {
^bb0(%x: tensor<1x512x576xf32>, %w: tensor<576x576xf32>):
  %y = qfa.linear %x, %w : tensor<1x512x576xf32>, tensor<576x576xf32> -> tensor<1x512x576xf32>
  qfa.yield %y : tensor<1x512x576xf32>
}

qfa.kernel @linear_576x576 {
^bb0(%x: tensor<1x512x576xf32>, %w: !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %a: tensor<1x512x16xf32>):
  %y = qfa.linear %x, %w adapter(%a : tensor<1x512x16xf32>) : tensor<1x512x576xf32>, !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x576xf32>
  qfa.yield %y : tensor<1x512x576xf32>
}

qfa.kernel @linear_grad_dense_576x576 {
^bb0(%dy: tensor<1x512x576xf32>, %w: tensor<576x576xf32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x512x576xf32>, tensor<576x576xf32> -> tensor<1x512x576xf32>
  qfa.yield %dx : tensor<1x512x576xf32>
}

qfa.kernel @linear_grad_576x576 {
^bb0(%dy: tensor<1x512x576xf32>, %w: !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %p: tensor<1x512x576xf32>):
  %dx, %da = qfa.linear_grad %dy, %w plus %p : tensor<1x512x576xf32> : tensor<1x512x576xf32>, !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x576xf32>, tensor<1x512x16xf32>
  qfa.yield %dx, %da : tensor<1x512x576xf32>, tensor<1x512x16xf32>
}

qfa.kernel @accumulate_outer_576x576 {
^bb0(%l: tensor<1x512x576xf32>, %r: tensor<1x512x576xf32>, %g: !qfa.buffer<576x576xf32>):
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<1x512x576xf32>, tensor<1x512x576xf32>, !qfa.buffer<576x576xf32>
  qfa.yield
}

qfa.kernel @decode_b2_576x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<576x576, bits = [2], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<576x576, bits = [2], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b3_576x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<576x576, bits = [3], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<576x576, bits = [3], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b4_576x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<576x576, bits = [4], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<576x576, bits = [4], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b8_576x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<576x576, bits = [8], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<576x576, bits = [8], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_dense_576x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: tensor<576x576xf32>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, tensor<576x576xf32> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @linear_dense_1536x576 {
^bb0(%x: tensor<1x512x576xf32>, %w: tensor<1536x576xf32>):
  %y = qfa.linear %x, %w : tensor<1x512x576xf32>, tensor<1536x576xf32> -> tensor<1x512x1536xf32>
  qfa.yield %y : tensor<1x512x1536xf32>
}

qfa.kernel @linear_1536x576 {
^bb0(%x: tensor<1x512x576xf32>, %w: !qfa.elastic<1536x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %a: tensor<1x512x16xf32>):
  %y = qfa.linear %x, %w adapter(%a : tensor<1x512x16xf32>) : tensor<1x512x576xf32>, !qfa.elastic<1536x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x1536xf32>
  qfa.yield %y : tensor<1x512x1536xf32>
}

qfa.kernel @linear_grad_dense_1536x576 {
^bb0(%dy: tensor<1x512x1536xf32>, %w: tensor<1536x576xf32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x512x1536xf32>, tensor<1536x576xf32> -> tensor<1x512x576xf32>
  qfa.yield %dx : tensor<1x512x576xf32>
}

qfa.kernel @linear_grad_1536x576 {
^bb0(%dy: tensor<1x512x1536xf32>, %w: !qfa.elastic<1536x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %p: tensor<1x512x576xf32>):
  %dx, %da = qfa.linear_grad %dy, %w plus %p : tensor<1x512x576xf32> : tensor<1x512x1536xf32>, !qfa.elastic<1536x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x576xf32>, tensor<1x512x16xf32>
  qfa.yield %dx, %da : tensor<1x512x576xf32>, tensor<1x512x16xf32>
}

qfa.kernel @accumulate_outer_1536x576 {
^bb0(%l: tensor<1x512x1536xf32>, %r: tensor<1x512x576xf32>, %g: !qfa.buffer<1536x576xf32>):
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<1x512x1536xf32>, tensor<1x512x576xf32>, !qfa.buffer<1536x576xf32>
  qfa.yield
}

qfa.kernel @decode_b2_1536x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<1536x576, bits = [2], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<1536x576, bits = [2], group = 64, rank = 0, scales = f16> -> tensor<1x1x1536xf32>
  qfa.yield %y : tensor<1x1x1536xf32>
}

qfa.kernel @decode_b3_1536x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<1536x576, bits = [3], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<1536x576, bits = [3], group = 64, rank = 0, scales = f16> -> tensor<1x1x1536xf32>
  qfa.yield %y : tensor<1x1x1536xf32>
}

qfa.kernel @decode_b4_1536x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<1536x576, bits = [4], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<1536x576, bits = [4], group = 64, rank = 0, scales = f16> -> tensor<1x1x1536xf32>
  qfa.yield %y : tensor<1x1x1536xf32>
}

qfa.kernel @decode_b8_1536x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: !qfa.elastic<1536x576, bits = [8], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, !qfa.elastic<1536x576, bits = [8], group = 64, rank = 0, scales = f16> -> tensor<1x1x1536xf32>
  qfa.yield %y : tensor<1x1x1536xf32>
}

qfa.kernel @decode_dense_1536x576 {
^bb0(%x: tensor<1x1x576xf32>, %w: tensor<1536x576xf32>):
  %y = qfa.linear %x, %w : tensor<1x1x576xf32>, tensor<1536x576xf32> -> tensor<1x1x1536xf32>
  qfa.yield %y : tensor<1x1x1536xf32>
}

qfa.kernel @linear_dense_576x1536 {
^bb0(%x: tensor<1x512x1536xf32>, %w: tensor<576x1536xf32>):
  %y = qfa.linear %x, %w : tensor<1x512x1536xf32>, tensor<576x1536xf32> -> tensor<1x512x576xf32>
  qfa.yield %y : tensor<1x512x576xf32>
}

qfa.kernel @linear_576x1536 {
^bb0(%x: tensor<1x512x1536xf32>, %w: !qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %a: tensor<1x512x16xf32>):
  %y = qfa.linear %x, %w adapter(%a : tensor<1x512x16xf32>) : tensor<1x512x1536xf32>, !qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x576xf32>
  qfa.yield %y : tensor<1x512x576xf32>
}

qfa.kernel @linear_grad_dense_576x1536 {
^bb0(%dy: tensor<1x512x576xf32>, %w: tensor<576x1536xf32>):
  %dx = qfa.linear_grad %dy, %w : tensor<1x512x576xf32>, tensor<576x1536xf32> -> tensor<1x512x1536xf32>
  qfa.yield %dx : tensor<1x512x1536xf32>
}

qfa.kernel @linear_grad_576x1536 {
^bb0(%dy: tensor<1x512x576xf32>, %w: !qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>, %p: tensor<1x512x1536xf32>):
  %dx, %da = qfa.linear_grad %dy, %w plus %p : tensor<1x512x1536xf32> : tensor<1x512x576xf32>, !qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x1536xf32>, tensor<1x512x16xf32>
  qfa.yield %dx, %da : tensor<1x512x1536xf32>, tensor<1x512x16xf32>
}

qfa.kernel @accumulate_outer_576x1536 {
^bb0(%l: tensor<1x512x576xf32>, %r: tensor<1x512x1536xf32>, %g: !qfa.buffer<576x1536xf32>):
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<1x512x576xf32>, tensor<1x512x1536xf32>, !qfa.buffer<576x1536xf32>
  qfa.yield
}

qfa.kernel @decode_b2_576x1536 {
^bb0(%x: tensor<1x1x1536xf32>, %w: !qfa.elastic<576x1536, bits = [2], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x1536xf32>, !qfa.elastic<576x1536, bits = [2], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b3_576x1536 {
^bb0(%x: tensor<1x1x1536xf32>, %w: !qfa.elastic<576x1536, bits = [3], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x1536xf32>, !qfa.elastic<576x1536, bits = [3], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b4_576x1536 {
^bb0(%x: tensor<1x1x1536xf32>, %w: !qfa.elastic<576x1536, bits = [4], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x1536xf32>, !qfa.elastic<576x1536, bits = [4], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_b8_576x1536 {
^bb0(%x: tensor<1x1x1536xf32>, %w: !qfa.elastic<576x1536, bits = [8], group = 64, rank = 0, scales = f16>):
  %y = qfa.linear %x, %w : tensor<1x1x1536xf32>, !qfa.elastic<576x1536, bits = [8], group = 64, rank = 0, scales = f16> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @decode_dense_576x1536 {
^bb0(%x: tensor<1x1x1536xf32>, %w: tensor<576x1536xf32>):
  %y = qfa.linear %x, %w : tensor<1x1x1536xf32>, tensor<576x1536xf32> -> tensor<1x1x576xf32>
  qfa.yield %y : tensor<1x1x576xf32>
}

qfa.kernel @adapter_down_16x9 {
^bb0(%u: tensor<1x512x9xf32>, %w: !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>):
  %y = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<1x512x9xf32>, !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x16xf32>
  qfa.yield %y : tensor<1x512x16xf32>
}

qfa.kernel @adapter_down_grad_16x9 {
^bb0(%u: tensor<1x512x16xf32>, %w: !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>):
  %y = qfa.adapter_down_grad %u, %w {scale = 0.5 : f32} : tensor<1x512x16xf32>, !qfa.elastic<576x576, bits = [2, 3, 4], group = 64, rank = 16, scales = f32> -> tensor<1x512x9xf32>
  qfa.yield %y : tensor<1x512x9xf32>
}

qfa.kernel @accumulate_outer_576x16 {
^bb0(%l: tensor<1x512x576xf32>, %r: tensor<1x512x16xf32>, %g: !qfa.buffer<576x16xf32>):
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<1x512x576xf32>, tensor<1x512x16xf32>, !qfa.buffer<576x16xf32>
  qfa.yield
}

qfa.kernel @accumulate_outer_16x9 {
^bb0(%l: tensor<1x512x16xf32>, %r: tensor<1x512x9xf32>, %g: !qfa.buffer<16x9xf32>):
  qfa.accumulate_outer %l, %r into %g {scale = 1.0 : f32} : tensor<1x512x16xf32>, tensor<1x512x9xf32>, !qfa.buffer<16x9xf32>
  qfa.yield
}

qfa.kernel @cross_entropy_8192x576 {
^bb0(%h: tensor<1x512x576xf32>, %w: !qfa.elastic<8192x576, bits = [8], group = 64, rank = 0, scales = f32>, %l: tensor<1x512xi32>):
  %a, %b, %g = qfa.cross_entropy %h, %w, %l : tensor<1x512x576xf32>, !qfa.elastic<8192x576, bits = [8], group = 64, rank = 0, scales = f32>, tensor<1x512xi32> -> tensor<1x512xf32>, tensor<1x512xf32>, tensor<1x512x576xf32>
  qfa.yield %a, %b, %g : tensor<1x512xf32>, tensor<1x512xf32>, tensor<1x512x576xf32>
}

qfa.kernel @cross_entropy_dense_8192x576 {
^bb0(%h: tensor<1x512x576xf32>, %w: tensor<8192x576xf32>, %l: tensor<1x512xi32>):
  %a, %b, %g = qfa.cross_entropy %h, %w, %l : tensor<1x512x576xf32>, tensor<8192x576xf32>, tensor<1x512xi32> -> tensor<1x512xf32>, tensor<1x512xf32>, tensor<1x512x576xf32>
  qfa.yield %a, %b, %g : tensor<1x512xf32>, tensor<1x512xf32>, tensor<1x512x576xf32>
}

qfa.kernel @cross_entropy_weight_grad_8192x576 {
^bb0(%h: tensor<1x512x576xf32>, %w: tensor<8192x576xf32>, %l: tensor<1x512xi32>, %s: tensor<1x512xf32>, %g: !qfa.buffer<8192x576xf32>):
  qfa.cross_entropy_weight_grad %h, %w, %l, %s into %g : tensor<1x512x576xf32>, tensor<8192x576xf32>, tensor<1x512xi32>, tensor<1x512xf32>, !qfa.buffer<8192x576xf32>
  qfa.yield
}
