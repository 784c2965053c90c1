// The optimizer: one AdamW step of a trained tensor, and the sum of squares that clipping needs.
#include "../Common/AdamwStep.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static void emitAdamw(Operation *op, KernelBuilder &k) {
  auto adamw = cast<AdamwOp>(op);
  Value gradient = k.operand(adamw.getGradient());
  AdamwStep step(k, k.trainable(adamw.getTrainable()), k.operand(adamw.getHyper()));
  forRanges(k, adamw.getGradient().getType().getNumElements(), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) { step.emit(type, gradient, k.add(first, i)); });
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
