// Root-mean-square normalization and its gradients, token by token.
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

// r = 1 / sqrt(mean(x^2) + epsilon) of a row x: [n]
static Value reciprocalRms(KernelBuilder &k, Value row, int64_t n, const APFloat &epsilon) {
  Value squares = k.sumLoop(n, [&](Value i, Type type) -> Value {
    Value x = k.load(type, row, i);
    return k.mul(x, x);
  });
  return k.div(1.0, k.sqrt(k.add(k.mul(squares, 1.0 / n), epsilon.convertToDouble())));
}

static void emitRmsNorm(Operation *op, KernelBuilder &k) {
  auto norm = cast<RmsNormOp>(op);
  int64_t n = featuresOf(norm.getX());
  Value x = k.operand(norm.getX()), gain = k.operand(norm.getGain()), y = k.result(norm.getResult());
  forTokens(k, tokensOf(norm.getX()), [&](Value token) {
    Value first = k.mul(token, n), xRow = k.at(x, first), yRow = k.at(y, first);
    Value r = reciprocalRms(k, xRow, n, norm.getEpsilon());
    k.vectorLoop(n, [&](Value i, Type type) {
      k.store(k.mul(k.mul(k.load(type, xRow, i), r), k.load(type, gain, i)), yRow, i);
    });
  });
}

// dx = r (d - x r^2 mean(d x)) + addend, d = gain dy
static void emitRmsNormGrad(Operation *op, KernelBuilder &k) {
  auto grad = cast<RmsNormGradOp>(op);
  int64_t n = featuresOf(grad.getX());
  Value x = k.operand(grad.getX()), gain = k.operand(grad.getGain()), dy = k.operand(grad.getDy());
  Value addend = grad.getAddend() ? k.operand(grad.getAddend()) : Value(), dx = k.result(grad.getDx());
  forTokens(k, tokensOf(grad.getX()), [&](Value token) {
    Value first = k.mul(token, n), xRow = k.at(x, first), dyRow = k.at(dy, first), dxRow = k.at(dx, first);
    Value r = reciprocalRms(k, xRow, n, grad.getEpsilon());
    auto d = [&](Value i, Type type) { return k.mul(k.load(type, gain, i), k.load(type, dyRow, i)); };
    Value product = k.sumLoop(n, [&](Value i, Type type) { return k.mul(d(i, type), k.load(type, xRow, i)); });
    Value slope = k.mul(k.mul(r, r), k.mul(product, 1.0 / n));
    k.vectorLoop(n, [&](Value i, Type type) {
      Value value = k.mul(r, k.sub(d(i, type), k.mul(k.load(type, xRow, i), slope)));
      if (addend)
        value = k.add(value, k.load(type, k.at(addend, first), i));
      k.store(value, dxRow, i);
    });
  });
}

// A tile owns columns of the buffer and adds all tokens in order, so threads never share a sum. Every tile computes r
// of all tokens anew: the walk over x that costs is needed for its columns anyway.
static void emitRmsNormGainGrad(Operation *op, KernelBuilder &k) {
  auto grad = cast<RmsNormGainGradOp>(op);
  int64_t n = featuresOf(grad.getX());
  Value x = k.operand(grad.getX()), dy = k.operand(grad.getDy()), into = k.operand(grad.getInto());
  forRanges(k, n, kTileColumns, [&](Value column, Value count) {
    k.forLoop(0, tokensOf(grad.getX()), 1, [&](Value token) {
      Value first = k.mul(token, n);
      Value r = reciprocalRms(k, k.at(x, first), n, grad.getEpsilon());
      k.vectorLoop(count, [&](Value i, Type type) {
        Value c = k.add(column, i), at = k.add(first, c);
        Value term = k.mul(k.mul(k.load(type, dy, at), k.load(type, x, at)), r);
        k.store(k.add(k.load(type, into, c), term), into, c);
      });
    });
  });
}

ArrayRef<CpuKernel> qfa::normKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.rms_norm", [](Operation *op) { return tokenTiles(op->getOperand(0)); }, nullptr, emitRmsNorm},
      {"qfa.rms_norm_grad", [](Operation *op) { return tokenTiles(op->getOperand(0)); }, nullptr, emitRmsNormGrad},
      {"qfa.rms_norm_gain_grad", [](Operation *op) { return columnTiles(op->getOperand(0)); }, nullptr,
       emitRmsNormGainGrad},
  };
  return kernels;
}
