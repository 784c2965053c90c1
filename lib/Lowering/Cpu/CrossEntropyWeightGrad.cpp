// qfa.cross_entropy_weight_grad. A tile is a block of rows of the head: its logits are computed once more, become
// probabilities by the log-sum-exp of each token, and are the left factor of a sum of outer products with h.
#include "CpuKernels.h"
#include "Outer.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t tileRows = 64;
static constexpr int64_t tokenPart = 256;

static int64_t tiles(Operation *op) {
  return ceilDiv(cast<CrossEntropyWeightGradOp>(op).getInto().getType().getShape()[0], tileRows);
}

// [panels of the head's rows | probabilities [tokenPart, tileRows] | outer products]
static int64_t scratchBytes(Operation *op, const Isa &target) {
  int64_t features = featuresOf(cast<CrossEntropyWeightGradOp>(op).getH());
  return (tileRows * features + tokenPart * tileRows + outerScratchFloats(features, tileRows, target)) * 4;
}

static void emit(Operation *op, KernelBuilder &b) {
  auto grad = cast<CrossEntropyWeightGradOp>(op);
  int64_t tokens = tokensOf(grad.getH()), features = featuresOf(grad.getH()), nr = b.target.nr;
  int64_t vocabulary = grad.getInto().getType().getShape()[0];
  Value h = b.operand(grad.getH()), weight = b.operand(grad.getWeight()), labels = b.operand(grad.getLabels()),
        logSumExp = b.operand(grad.getLogSumExp()), into = b.operand(grad.getInto());
  Value probabilities = b.at(b.scratch(), tileRows * features);
  Value outerScratch = b.at(probabilities, tokenPart * tileRows);
  SmallVector<int32_t> iota = llvm::to_vector(llvm::seq<int32_t>(0, b.target.lanes));

  b.forTiles([&](Value tile) {
    Value row = b.mul(tile, tileRows), rows = b.min(b.sub(b.i64(vocabulary), row), tileRows);
    Panels panels{b.scratch(), b.i64(features * nr), b.div(b.add(rows, nr - 1), nr)};
    packColumns(b, panels, b.at(weight, b.mul(row, features)), b.i64(features), rows, b.i64(features));
    b.forLoop(0, tokens, tokenPart, [&](Value token) {
      Value part = b.min(b.sub(b.i64(tokens), token), tokenPart), from = b.at(h, b.mul(token, features));
      product(b, {from, b.i64(features)}, panels, {probabilities, b.i64(tileRows), b.i64(nr)}, part, b.i64(features),
              b.constant(b.getI1Type(), 0));
      b.forLoop(0, part, 1, [&](Value t) {
        Value index = b.add(token, t), line = b.at(probabilities, b.mul(t, tileRows));
        Value label = b.load(b.getI32Type(), labels, index), lse = b.loadF32(logSumExp, index);
        Value counts = b.lessEqual(0, label);
        Value hot = b.sub(label, arith::TruncIOp::create(b, b.getI32Type(), row).getResult()); // in the tile
        b.forLoop(0, b.mul(panels.count, nr), b.target.lanes, [&](Value i) {
          Value lane = b.add(arith::TruncIOp::create(b, b.getI32Type(), i).getResult(), b.constants(iota));
          Value p = b.exp(b.sub(b.load(b.vec(), line, i), lse));
          p = b.sub(p, b.select(b.equal(lane, hot), b.constant(b.vec(), 1), 0.0));
          b.store(b.select(counts, p, 0.0), line, i);
        });
      });
      accumulateOuter(b, b.at(into, b.mul(row, features)), probabilities, b.i64(tileRows), from, features, rows,
                      tileRows, part, 1.0, outerScratch);
    });
  });
}

ArrayRef<CpuKernel> qfa::crossEntropyWeightGradKernels() {
  static const CpuKernel kernels[] = {{CrossEntropyWeightGradOp::getOperationName(), tiles, scratchBytes, emit}};
  return kernels;
}
