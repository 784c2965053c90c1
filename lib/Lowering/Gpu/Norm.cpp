// Root-mean-square normalization and its gradients: a block of threads has a token.
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t rowThreads = 128;

// r = 1 / sqrt(mean(x^2) + epsilon) of a row x: [n], in every thread of the block.
static Value reciprocalRms(GpuBuilder &b, Value row, int64_t n, const APFloat &epsilon) {
  Value squares = b.forLoop(b.thread(), n, b.threads, b.f32(0), [&](Value i, ValueRange carried) -> Values {
    Value x = b.loadF32(row, i);
    return {b.fma(x, x, carried[0])};
  })[0];
  squares = b.reduceBlock(Reduction::sum, squares);
  return b.div(1.0, b.sqrt(b.add(b.mul(squares, 1.0 / n), epsilon.convertToDouble())));
}

static void planRmsNorm(Operation *op, GpuPlan &plan) {
  auto norm = cast<RmsNormOp>(op);
  int64_t n = featuresOf(norm.getX());
  plan.run("rows", {tokensOf(norm.getX())}, rowThreads, [&](GpuBuilder &b) {
    Value first = b.mul(b.block(), n), gain = b.operand(norm.getGain());
    Value x = b.at(b.operand(norm.getX()), first), y = b.at(b.result(norm.getResult()), first);
    Value r = reciprocalRms(b, x, n, norm.getEpsilon());
    b.forThreads(n, [&](Value i) { b.store(b.mul(b.mul(b.loadF32(x, i), r), b.loadF32(gain, i)), y, i); });
  });
}

// dx = r (d - x r^2 mean(d x)) + addend, d = gain dy
static void planRmsNormGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<RmsNormGradOp>(op);
  int64_t n = featuresOf(grad.getX());
  plan.run("rows", {tokensOf(grad.getX())}, rowThreads, [&](GpuBuilder &b) {
    Value first = b.mul(b.block(), n), gain = b.operand(grad.getGain());
    Value x = b.at(b.operand(grad.getX()), first), dy = b.at(b.operand(grad.getDy()), first);
    Value dx = b.at(b.result(grad.getDx()), first);
    Value r = reciprocalRms(b, x, n, grad.getEpsilon());
    auto d = [&](Value i) { return b.mul(b.loadF32(gain, i), b.loadF32(dy, i)); };
    Value product = b.forLoop(b.thread(), n, b.threads, b.f32(0), [&](Value i, ValueRange carried) -> Values {
      return {b.fma(d(i), b.loadF32(x, i), carried[0])};
    })[0];
    Value slope = b.mul(b.mul(r, r), b.mul(b.reduceBlock(Reduction::sum, product), 1.0 / n));
    b.forThreads(n, [&](Value i) {
      Value value = b.mul(r, b.sub(d(i), b.mul(b.loadF32(x, i), slope)));
      if (grad.getAddend())
        value = b.add(value, b.loadF32(b.operand(grad.getAddend()), b.add(first, i)));
      b.store(value, dx, i);
    });
  });
}

// The r of all tokens first; then every thread adds up a column in the order of the tokens.
static void planRmsNormGainGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<RmsNormGainGradOp>(op);
  int64_t n = featuresOf(grad.getX()), tokens = tokensOf(grad.getX()), at = plan.workspace(tokens * 4);
  plan.run("scales", {tokens}, rowThreads, [&](GpuBuilder &b) {
    Value x = b.at(b.operand(grad.getX()), b.mul(b.block(), n));
    Value r = reciprocalRms(b, x, n, grad.getEpsilon());
    b.ifThen(b.equal(b.thread(), 0), [&] { b.store(r, b.workspace(at), b.block()); });
  });
  plan.run("columns", {blocksFor(n, rowThreads)}, rowThreads, [&](GpuBuilder &b) {
    Value x = b.operand(grad.getX()), dy = b.operand(grad.getDy()), into = b.operand(grad.getInto());
    b.forGrid(n, [&](Value column) {
      Value sum = b.forLoop(0, tokens, 1, b.loadF32(into, column), [&](Value token, ValueRange carried) -> Values {
        Value i = b.add(b.mul(token, n), column), r = b.loadF32(b.workspace(at), token);
        return {b.add(carried[0], b.mul(b.mul(b.loadF32(dy, i), b.loadF32(x, i)), r))};
      })[0];
      b.store(sum, into, column);
    });
  });
}

ArrayRef<GpuKernel> qfa::gpuNormKernels() {
  static const GpuKernel kernels[] = {
      {RmsNormOp::getOperationName(), planRmsNorm},
      {RmsNormGradOp::getOperationName(), planRmsNormGrad},
      {RmsNormGainGradOp::getOperationName(), planRmsNormGainGrad},
  };
  return kernels;
}
