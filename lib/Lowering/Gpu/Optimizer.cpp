// The optimizer: one AdamW step of a trained tensor, and the sum of squares that clipping needs.
#include "../Common/AdamwStep.h"
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

static void planAdamw(Operation *op, GpuPlan &plan) {
  auto adamw = cast<AdamwOp>(op);
  int64_t total = adamw.getGradient().getType().getNumElements();
  plan.run("elements", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    AdamwStep step(b, b.trainable(adamw.getTrainable()), b.operand(adamw.getHyper()));
    b.forGrid(total, [&](Value i) { step.emit(b.f32(), b.operand(adamw.getGradient()), i); });
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
