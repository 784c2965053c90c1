// Gradients of attention, with the probabilities computed again from the scores and log_sum_exp. As in the forward
// kernel scores are held transposed, [keys][queries]. With P = exp(S - log_sum_exp), dP = V dy^T, D = rowsum(dy y) and
// dS = scale P (dP - D): dv = P dy, dk = dS q, dq = dS^T k.
//
// A tile is a key/value head of one batch row. It owns dk and dv of that head and dq of its query heads, so every sum
// has one owner and one order.
#include "Attention.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

namespace {

// A block of queries of one head against all its keys.
class GradientBlock {
public:
  // q, y, dy, dq: [queries, width] at rows `features` apart; k, v, dk, dv: rows kvFeatures apart.
  struct Memory {
    Value q, y, dy, dq, logSumExp;
    Value keys, values, dk, dv;
  };

  GradientBlock(CodeBuilder &k, const HeadShape &shape, int64_t width, Value scratch)
      : k(k), shape(shape), width(width), packedQ(scratch), packedDy(k.at(packedQ, shape.width * width)),
        scores(k.at(packedDy, shape.width * width)), slopes(k.at(scores, kKeyBlock * width)),
        logSumExp(k.at(slopes, kKeyBlock * width)), delta(k.at(logSumExp, width)) {}

  static int64_t scratchFloats(const HeadShape &shape, int64_t width) {
    return (2 * shape.width + 2 * kKeyBlock + 2) * width;
  }

  void emit(const Memory &memory, QuerySpan queries) {
    int64_t d = shape.width, row = shape.features(), kvRow = shape.kvFeatures();
    emitTransposed(k, queries.count, d, {memory.q, row}, shape.scale, packedQ, width);
    emitTransposed(k, queries.count, d, {memory.dy, row}, 1.0, packedDy, width);
    emitRowTerms(memory, queries.count);

    Matrix q{memory.q, row}, dy{memory.dy, row}, dq{memory.dq, row};
    forKeyBlocks(k, shape, queries, [&](Value key, Value count, Value masked) {
      Value first = k.mul(key, kvRow);
      auto part = [&](Value base) { return Matrix{k.at(base, first), kvRow}; };
      Matrix score{scores, width}, slope{slopes, width};
      emitProduct(k, count, width, k.i64(d), part(memory.keys), {packedQ, width}, score);
      emitProduct(k, count, width, k.i64(d), part(memory.values), {packedDy, width}, slope);
      k.ifThen(
          masked, [&] { emitProbabilities(queries.first, key, count, true); },
          [&] { emitProbabilities(queries.first, key, count, false); });
      emitProduct(k, count, d, queries.count, score, dy, part(memory.dv), /*accumulate=*/true);
      emitProduct(k, count, d, queries.count, slope, q, part(memory.dk), /*accumulate=*/true);
      emitProduct(k, queries.count, d, count, slope.transposed(), part(memory.keys), dq, /*accumulate=*/true);
    });
  }

private:
  // delta: D of every query; lanes without a query get neutral terms. Also clears dq.
  void emitRowTerms(const Memory &memory, Value count) {
    k.vectorLoop(width, [&](Value i, Type type) {
      k.store(k.constant(type, 0), delta, i);
      k.store(k.constant(type, 0), logSumExp, i);
    });
    k.forLoop(0, count, 1, [&](Value query) {
      Value row = k.mul(query, shape.features());
      Value dy = k.at(memory.dy, row), y = k.at(memory.y, row), dq = k.at(memory.dq, row);
      Value sum =
          k.sumLoop(shape.width, [&](Value i, Type type) { return k.mul(k.load(type, dy, i), k.load(type, y, i)); });
      k.store(sum, delta, query);
      k.store(k.loadF32(memory.logSumExp, query), logSumExp, query);
      k.vectorLoop(shape.width, [&](Value i, Type type) { k.store(k.constant(type, 0), dq, i); });
    });
  }

  // scores become P, slopes become dS.
  void emitProbabilities(Value firstQuery, Value firstKey, Value count, bool masked) {
    k.forLoop(0, width, k.target.lanes, [&](Value lane) {
      Value lse = k.load(k.vec(), logSumExp, lane), shift = k.load(k.vec(), delta, lane);
      k.forLoop(0, count, 1, [&](Value key) {
        Value at = k.add(k.mul(key, width), lane), score = k.load(k.vec(), scores, at), capped;
        if (shape.softcap) {
          capped = k.tanh(k.mul(score, 1 / shape.softcap));
          score = k.mul(capped, shape.softcap);
        }
        Value p = k.exp(k.sub(score, lse));
        if (masked)
          p = k.select(isVisible(k, shape, k.add(firstQuery, lane), k.add(firstKey, key)), p, 0);
        Value slope = k.mul(k.mul(p, shape.scale), k.sub(k.load(k.vec(), slopes, at), shift));
        if (capped) // the derivative of softcap tanh(s / softcap)
          slope = k.mul(slope, k.sub(1, k.mul(capped, capped)));
        k.store(p, scores, at);
        k.store(slope, slopes, at);
      });
    });
  }

  CodeBuilder &k;
  const HeadShape &shape;
  int64_t width; // lanes reserved for queries
  Value packedQ, packedDy, scores, slopes, logSumExp,
      delta; // [d][width] twice, [kKeyBlock][width] twice, [width] twice
};

} // namespace

static void emitAttentionGrad(Operation *op, KernelBuilder &k) {
  auto grad = cast<AttentionGradOp>(op);
  HeadShape shape(grad);
  int64_t sequence = grad.getQ().getType().getDimSize(1), d = shape.width;
  Value q = k.operand(grad.getQ()), keys = k.operand(grad.getK()), values = k.operand(grad.getV());
  Value y = k.operand(grad.getResult()), dy = k.operand(grad.getDresult()), lse = k.operand(grad.getLogSumExp());
  Value dq = k.result(grad.getDq()), dk = k.result(grad.getDk()), dv = k.result(grad.getDv());
  GradientBlock block(k, shape, queryBlock(k.target, sequence), k.scratch());
  k.forTiles([&](Value tile) {
    Value batch = k.div(tile, shape.kvHeads), kvHead = k.rem(tile, shape.kvHeads);
    Value kv = k.add(k.mul(batch, sequence * shape.kvFeatures()), k.mul(kvHead, d));
    GradientBlock::Memory memory;
    memory.keys = k.at(keys, kv);
    memory.values = k.at(values, kv);
    memory.dk = k.at(dk, kv);
    memory.dv = k.at(dv, kv);
    k.forLoop(0, sequence, 1, [&](Value token) {
      Value row = k.mul(token, shape.kvFeatures());
      k.vectorLoop(d, [&](Value i, Type type) {
        k.store(k.constant(type, 0), memory.dk, k.add(row, i));
        k.store(k.constant(type, 0), memory.dv, k.add(row, i));
      });
    });
    k.forLoop(0, shape.group(), 1, [&](Value member) {
      Value head = k.add(k.mul(kvHead, shape.group()), member);
      k.forLoop(0, sequence, kQueryBlock, [&](Value first) {
        Value own = k.add(k.mul(k.add(k.mul(batch, sequence), first), shape.features()), k.mul(head, d));
        memory.q = k.at(q, own);
        memory.y = k.at(y, own);
        memory.dy = k.at(dy, own);
        memory.dq = k.at(dq, own);
        memory.logSumExp = k.at(lse, k.add(k.mul(k.add(k.mul(batch, shape.heads), head), sequence), first));
        block.emit(memory, {first, k.min(k.sub(sequence, first), kQueryBlock)});
      });
    });
  });
}

ArrayRef<CpuKernel> qfa::attentionGradKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.attention_grad",
       [](Operation *op) {
         auto grad = cast<AttentionGradOp>(op);
         return grad.getQ().getType().getDimSize(0) * static_cast<int64_t>(grad.getNumKvHeads());
       },
       [](Operation *op, const Isa &target) {
         auto grad = cast<AttentionGradOp>(op);
         return 4 *
                GradientBlock::scratchFloats(HeadShape(grad), queryBlock(target, grad.getQ().getType().getDimSize(1)));
       },
       emitAttentionGrad},
  };
  return kernels;
}
