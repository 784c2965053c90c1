// The optimizer: one AdamW step of a trained tensor, and the sum of squares that clipping needs.
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; value -= lr (m / c1 / (sqrt(v / c2) + eps) + wd value)
static void emitAdamw(Operation *op, KernelBuilder &k) {
  auto adamw = cast<AdamwOp>(op);
  TrainableRow row = k.trainable(adamw.getTrainable());
  Value gradient = k.operand(adamw.getGradient()), hyper = k.operand(adamw.getHyper());
  Value lr = k.loadF32(hyper, 0), b1 = k.loadF32(hyper, 1), b2 = k.loadF32(hyper, 2), eps = k.loadF32(hyper, 3);
  Value decay = k.loadF32(hyper, 4), scale = k.loadF32(hyper, 6);
  Value rest1 = k.sub(1.0, b1), rest2 = k.sub(1.0, b2), inverse1 = k.div(1.0, row.c1), inverse2 = k.div(1.0, row.c2);
  forRanges(k, adamw.getGradient().getType().getNumElements(), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) {
      Value at = k.add(first, i);
      Value g = k.mul(k.load(type, gradient, at), scale);
      Value m = k.fma(b1, k.load(type, row.m, at), k.mul(rest1, g));
      Value v = k.fma(b2, k.load(type, row.v, at), k.mul(rest2, k.mul(g, g)));
      Value value = k.load(type, row.value, at);
      Value step = k.div(k.mul(m, inverse1), k.add(k.sqrt(k.mul(v, inverse2)), eps));
      k.store(m, row.m, at);
      k.store(v, row.v, at);
      k.store(k.sub(value, k.mul(lr, k.fma(decay, value, step))), row.value, at);
    });
  });
}

// One tile: chunks summed in f32 registers, chunks in f64. Splitting would make the order depend on the threads, and a
// walk over the gradients of adapters is short.
static void emitGradientNorm(Operation *op, KernelBuilder &k) {
  auto norm = cast<GradientNormOp>(op);
  int64_t total = norm.getBuffer().getType().getNumElements();
  Value buffer = k.operand(norm.getBuffer()), result = k.result(norm.getResult());
  k.forTiles([&](Value) {
    Value zero = k.constant(k.getF64Type(), 0);
    Values sum = k.forLoop(0, total, kTileElements, zero, [&](Value first, ValueRange sums) -> Values {
      Value chunk = k.sumLoop(k.min(k.sub(total, first), kTileElements), [&](Value i, Type type) {
        Value g = k.load(type, buffer, k.add(first, i));
        return k.mul(g, g);
      });
      return {k.add(sums[0], arith::ExtFOp::create(k, k.getF64Type(), chunk).getResult())};
    });
    k.store(arith::TruncFOp::create(k, k.f32(), sum[0]), result);
  });
}

ArrayRef<CpuKernel> qfa::optimizerKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.adamw",
       [](Operation *op) { return elementTiles(cast<AdamwOp>(op).getGradient().getType().getNumElements()); }, nullptr,
       emitAdamw},
      {"qfa.gradient_norm", [](Operation *) -> int64_t { return 1; }, nullptr, emitGradientNorm},
  };
  return kernels;
}
