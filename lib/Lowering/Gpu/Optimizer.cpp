// The optimizer: one AdamW step of a trained tensor, and the sum of squares that clipping needs.
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; value -= lr (m / c1 / (sqrt(v / c2) + eps) + wd value)
static void planAdamw(Operation *op, GpuPlan &plan) {
  auto adamw = cast<AdamwOp>(op);
  int64_t total = adamw.getGradient().getType().getNumElements();
  plan.run("elements", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    TrainableRow row = b.trainable(adamw.getTrainable());
    Value hyper = b.operand(adamw.getHyper());
    Value lr = b.loadF32(hyper, 0), b1 = b.loadF32(hyper, 1), b2 = b.loadF32(hyper, 2), eps = b.loadF32(hyper, 3);
    Value decay = b.loadF32(hyper, 4), scale = b.loadF32(hyper, 6);
    b.forGrid(total, [&](Value i) {
      Value g = b.mul(b.loadF32(b.operand(adamw.getGradient()), i), scale);
      Value m = b.fma(b1, b.loadF32(row.m, i), b.mul(b.sub(1.0, b1), g));
      Value v = b.fma(b2, b.loadF32(row.v, i), b.mul(b.sub(1.0, b2), b.mul(g, g)));
      Value value = b.loadF32(row.value, i);
      Value step = b.div(b.div(m, row.c1), b.add(b.sqrt(b.div(v, row.c2)), eps));
      b.store(m, row.m, i);
      b.store(v, row.v, i);
      b.store(b.sub(value, b.mul(lr, b.fma(decay, value, step))), row.value, i);
    });
  });
}

// The sums of blocks first, then their sum by one block: the order depends on the size alone.
static void planGradientNorm(Operation *op, GpuPlan &plan) {
  auto norm = cast<GradientNormOp>(op);
  int64_t total = norm.getBuffer().getType().getNumElements();
  int64_t blocks = std::min<int64_t>(blocksFor(total), 1024), sums = plan.workspace(blocks * 4);
  plan.run("squares", {blocks}, kThreads, [&](GpuBuilder &b) {
    Value first = b.add(b.mul(b.block(), b.threads), b.thread()), buffer = b.operand(norm.getBuffer());
    Value sum = b.forLoop(first, total, blocks * b.threads, b.f32(0), [&](Value i, ValueRange carried) -> Values {
      Value g = b.loadF32(buffer, i);
      return {b.fma(g, g, carried[0])};
    })[0];
    sum = b.reduceBlock(Reduction::sum, sum);
    b.ifThen(b.equal(b.thread(), 0), [&] { b.store(sum, b.workspace(sums), b.block()); });
  });
  plan.run("sum", {}, kThreads, [&](GpuBuilder &b) {
    Value sum = b.forLoop(b.thread(), blocks, b.threads, b.f32(0), [&](Value i, ValueRange carried) -> Values {
      return {b.add(carried[0], b.loadF32(b.workspace(sums), i))};
    })[0];
    sum = b.reduceBlock(Reduction::sum, sum);
    b.ifThen(b.equal(b.thread(), 0), [&] { b.store(sum, b.result(norm.getResult())); });
  });
}

ArrayRef<GpuKernel> qfa::gpuOptimizerKernels() {
  static const GpuKernel kernels[] = {
      {AdamwOp::getOperationName(), planAdamw},
      {GradientNormOp::getOperationName(), planGradientNorm},
  };
  return kernels;
}
