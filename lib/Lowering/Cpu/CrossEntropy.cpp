// qfa.cross_entropy: softmax, loss and gradient in one walk over the vocabulary. A tile is a block of tokens.
//
// Everything is transposed: lanes are tokens, so that maxima and sums need no reduction across lanes, and the same
// weights [chunk, features], dequantized once per chunk, are the left factor of both products:
//   logits [chunk, tokens] = W h^T, with h^T as panels; e = exp(logits - m), m the running maximum of each token;
//   gradient^T [features, tokens] += W^T e, with e, where the logits were, as panels. When m grows, what was summed
//   shrinks.
#include "CpuKernels.h"
#include "Dequantize.h"

#include <limits>

using namespace mlir;
using namespace qfa;

static constexpr int64_t tokenBlock = 64;

namespace {
// Places in scratch memory, in floats.
struct Layout {
  int64_t features, weightStride, chunk;                           // chunk: rows of the vocabulary at a time
  int64_t h, weights, logits, gradient, maxima, sums, picked, row; // picked: the label's logit, then the loss
  int64_t size;

  Layout(CrossEntropyOp op, const Isa &target) {
    features = featuresOf(op.getH());
    bool elastic = isa<ElasticType>(op.getWeight().getType());
    // An odd number of cache lines: columns of the copy then spread over all sets of the cache.
    weightStride =
        elastic ? roundUp(features, 16) / 16 % 2 ? roundUp(features, 16) : roundUp(features, 16) + 16 : features;
    // The chunk's weights share the second-level cache with h and the gradient.
    chunk = std::clamp<int64_t>(65536 / features / 32 * 32, 32, 256);
    int64_t end = 0;
    auto place = [&](int64_t floats) {
      int64_t start = end;
      end += roundUp(floats, 16);
      return start;
    };
    h = place(tokenBlock * features);
    weights = place(elastic ? chunk * weightStride : 0);
    logits = place(tokenBlock * chunk);
    gradient = place(op.getGradient() ? tokenBlock * features : 0);
    maxima = place(tokenBlock);
    sums = place(tokenBlock);
    picked = place(tokenBlock);
    row = place(elastic ? features : 0);
    size = end;
  }
};
} // namespace

static int64_t tiles(Operation *op) { return ceilDiv(tokensOf(cast<CrossEntropyOp>(op).getH()), tokenBlock); }

static int64_t scratchBytes(Operation *op, const Isa &target) {
  return Layout(cast<CrossEntropyOp>(op), target).size * 4;
}

namespace {
class CrossEntropyEmitter {
public:
  CrossEntropyEmitter(CrossEntropyOp op, KernelBuilder &b) : op(op), b(b), at(op, b.target), nr(b.target.nr) {
    elastic = dyn_cast<ElasticType>(op.getWeight().getType());
    if (elastic)
      site = b.site(op.getWeight());
    vocabulary = elastic ? elastic.getOut() : cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
  }

  void emitTile(Value tile) {
    first = b.mul(tile, tokenBlock);
    count = b.min(b.sub(b.i64(tokensOf(op.getH())), first), tokenBlock);
    Value panelCount = b.div(b.add(count, nr - 1), nr);
    Panels h{place(at.h), b.i64(at.features * nr), panelCount};
    packColumns(b, h, b.at(b.operand(op.getH()), b.mul(first, at.features)), b.i64(at.features), count,
                b.i64(at.features));
    b.forLoop(0, tokenBlock, b.target.lanes, [&](Value t) {
      b.store(b.constant(b.vec(), -std::numeric_limits<double>::infinity()), place(at.maxima), t);
      b.store(b.constant(b.vec(), 0), place(at.sums), t);
      b.store(b.constant(b.vec(), 0), place(at.picked), t);
    });
    b.forLoop(0, vocabulary, at.chunk, [&](Value v) { emitChunk(v, h); });
    emitResults();
  }

private:
  Value place(int64_t offset) { return b.at(b.scratch(), offset); }
  // Offset of (row, token) in a matrix of panels [rows, nr].
  Value inPanels(Value row, Value token, int64_t rows) {
    return b.add(b.mul(b.div(token, nr), rows * nr), b.add(b.mul(row, nr), b.rem(token, nr)));
  }

  void emitChunk(Value v, Panels h) {
    Value rows = b.min(b.sub(b.i64(vocabulary), v), at.chunk), weights = place(at.weights);
    if (elastic)
      b.forLoop(0, rows, blockColumns, [&](Value row) { // a block of the storage is 32 rows
        dequantizeRows(b, elastic, site, b.at(weights, b.mul(row, at.weightStride)), b.i64(at.weightStride),
                       b.div(b.add(v, row), blockColumns), b.i64(0), b.i64(at.features));
      });
    else
      weights = b.at(b.operand(op.getWeight()), b.mul(v, at.features));
    Value stride = b.i64(at.weightStride), logits = place(at.logits);
    product(b, {weights, stride}, h, {logits, b.i64(nr), b.i64(at.chunk * nr)}, rows, b.i64(at.features),
            b.constant(b.getI1Type(), 0));
    pickLabels(v, rows);
    b.forLoop(0, b.mul(h.count, nr), b.target.lanes, [&](Value t) { emitSoftmax(t, v, rows); });
    if (op.getGradient())
      product(b, {weights, stride, true}, {logits, b.i64(at.chunk * nr), h.count},
              {place(at.gradient), b.i64(nr), b.i64(at.features * nr)}, b.i64(at.features), rows, b.less(0, v));
  }

  void forTokens(llvm::function_ref<void(Value token, Value label)> body) {
    Value labels = b.at(b.operand(op.getLabels()), first, b.getI32Type());
    b.forLoop(0, count, 1, [&](Value t) { body(t, b.toI64(b.load(b.getI32Type(), labels, t))); });
  }

  void pickLabels(Value v, Value rows) {
    forTokens([&](Value t, Value label) {
      Value row = b.sub(label, v);
      b.ifThen(b.bitAnd(b.lessEqual(0, row), b.less(row, rows)),
               [&] { b.store(b.loadF32(place(at.logits), inPanels(row, t, at.chunk)), place(at.picked), t); });
    });
  }

  // Of the tokens t .. t + lanes - 1.
  void emitSoftmax(Value t, Value v, Value rows) {
    Value column = b.at(place(at.logits), inPanels(b.i64(0), t, at.chunk));
    Value oldMaximum = b.load(b.vec(), place(at.maxima), t);
    Value maximum = b.forLoop(0, rows, 1, oldMaximum, [&](Value row, ValueRange carried) -> Values {
      return {b.max(b.load(b.vec(), column, b.mul(row, nr)), carried[0])};
    })[0];
    Value sum = b.forLoop(0, rows, 1, b.constant(b.vec(), 0), [&](Value row, ValueRange carried) -> Values {
      Value e = b.exp(b.sub(b.load(b.vec(), column, b.mul(row, nr)), maximum));
      b.store(e, column, b.mul(row, nr));
      return {b.add(carried[0], e)};
    })[0];
    Value shrink = b.exp(b.sub(oldMaximum, maximum));
    b.store(maximum, place(at.maxima), t);
    b.store(b.fma(b.load(b.vec(), place(at.sums), t), shrink, sum), place(at.sums), t);
    if (!op.getGradient())
      return;
    b.ifThen(b.bitAnd(b.less(0, v), b.any(b.less(oldMaximum, maximum))), [&] {
      Value gradient = b.at(place(at.gradient), inPanels(b.i64(0), t, at.features));
      b.forLoop(0, at.features, 1, [&](Value k) {
        b.store(b.mul(b.load(b.vec(), gradient, b.mul(k, nr)), shrink), gradient, b.mul(k, nr));
      });
    });
  }

  void emitResults() {
    b.forLoop(0, tokenBlock, b.target.lanes, [&](Value t) {
      Value logSum = b.log(b.load(b.vec(), place(at.sums), t)), maximum = b.load(b.vec(), place(at.maxima), t);
      b.store(b.add(maximum, logSum), place(at.maxima), t);
      // Not by way of their sum, in which a small loss would drown.
      b.store(b.add(b.sub(maximum, b.load(b.vec(), place(at.picked), t)), logSum), place(at.picked), t);
    });
    Value loss = b.at(b.result(op.getLoss()), first), logSumExp = b.at(b.result(op.getLogSumExp()), first);
    forTokens([&](Value t, Value label) {
      Value counts = b.lessEqual(0, label);
      b.store(b.loadF32(place(at.maxima), t), logSumExp, t);
      b.store(b.select(counts, b.loadF32(place(at.picked), t), 0.0), loss, t);
      if (!op.getGradient())
        return;
      Value to = b.at(b.result(op.getGradient()), b.mul(b.add(first, t), at.features));
      b.ifThen(
          counts, [&] { emitGradient(t, label, to); },
          [&] { b.vectorLoop(at.features, [&](Value k, Type type) { b.store(b.constant(type, 0), to, k); }); });
    });
  }

  // sum_v e_v w_v / sum_v e_v - w_label
  void emitGradient(Value t, Value label, Value to) {
    Value weight = place(at.row);
    if (elastic)
      dequantizeRow(b, elastic, site, weight, label);
    else
      weight = b.at(b.operand(op.getWeight()), b.mul(label, at.features));
    Value factor = b.div(1.0, b.loadF32(place(at.sums), t));
    Value gradient = b.at(place(at.gradient), inPanels(b.i64(0), t, at.features));
    b.forLoop(0, at.features, 1, [&](Value k) {
      Value mean = b.mul(b.loadF32(gradient, b.mul(k, nr)), factor);
      b.store(b.sub(mean, b.loadF32(weight, k)), to, k);
    });
  }

  CrossEntropyOp op;
  KernelBuilder &b;
  Layout at;
  int64_t nr, vocabulary;
  ElasticType elastic;
  SiteRow site;
  Value first, count; // tokens of the tile
};
} // namespace

static void emit(Operation *op, KernelBuilder &b) {
  CrossEntropyEmitter emitter(cast<CrossEntropyOp>(op), b);
  b.forTiles([&](Value tile) { emitter.emitTile(tile); });
}

ArrayRef<CpuKernel> qfa::crossEntropyKernels() {
  static const CpuKernel kernels[] = {{CrossEntropyOp::getOperationName(), tiles, scratchBytes, emit}};
  return kernels;
}
