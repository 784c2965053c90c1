// Attention without the matrix of scores (arXiv 2307.08691): a block of threads has a block of queries of one head and
// meets the keys block by block, with a running maximum and sum in registers.
#include "AttentionDecode.h"

#include <limits>

using namespace mlir;
using namespace qfa;

namespace {
// q, y: a head's first query of the call, rows features apart; keys, values: its first key, rows kvFeatures apart.
struct ForwardMemory {
  Value q, y, keys, values, logSumExp; // logSumExp: [sequence], may be null
  Value position;                      // of the first query
  Value keyCount;                      // keys that there are
  bool alignedKeys;
};
} // namespace

// Queries first .. first + cut.rows() - 1.
static void emitForward(GpuBuilder &b, Precision precision, const AttentionShape &shape, const AttentionCut &cut,
                        const ForwardMemory &memory, Value first) {
  HeadTile queries(b, precision, cut.rows(), shape.width), keys(b, precision, cut.columns, shape.width),
      values(b, precision, cut.columns, shape.width);
  AttentionProducts products(b, precision, cut);
  Value count = b.min(b.sub(shape.sequence, first), cut.rows()), firstPosition = b.add(memory.position, first);
  Value end = b.min(b.add(firstPosition, count), memory.keyCount), begin = b.i64(0);
  if (shape.window)
    begin = b.max(b.sub(b.add(firstPosition, 1), shape.window), 0);
  queries.load(b.at(memory.q, b.mul(first, shape.features())), shape.features(), count, /*aligned=*/true);

  // Carried: maximum and sum of both rows, the sums of values. The maximum is finite, so that the distance to it is a
  // number also while no key has been seen.
  Values carried(2, b.f32(std::numeric_limits<float>::lowest()));
  carried.append(2 + queries.padded / 2, b.f32(0));
  carried = b.forLoop(begin, end, cut.columns, carried, [&](Value key, ValueRange state) -> Values {
    Value keyRows = b.min(b.sub(end, key), cut.columns), at = b.mul(key, shape.kvFeatures());
    b.barrier(); // all are done with the last keys and values
    keys.load(b.at(memory.keys, at), shape.kvFeatures(), keyRows, memory.alignedKeys);
    values.load(b.at(memory.values, at), shape.kvFeatures(), keyRows, memory.alignedKeys);
    b.barrier();
    Values scores = products.scores(queries, keys);
    for (Value &score : scores)
      score = scaleScore(b, shape, score);
    // Some query does not see some key of the block, or the block reaches behind the last key.
    Value masked = b.less(firstPosition, b.add(key, cut.columns - 1));
    if (shape.window)
      masked = b.bitOr(masked, b.less(key, b.add(firstPosition, cut.rows() - shape.window)));
    scores = maskScores(b, shape, products, scores, firstPosition, key, /*rowsAreQueries=*/true, masked);

    Values next, shrink, high(state.take_front(2)), total;
    for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i)
      high[i % 4 / 2] = b.max(scores[i], high[i % 4 / 2]);
    for (int64_t half = 0; half < 2; ++half) {
      for (int64_t mask : {1, 2}) // a row lies in four neighbouring lanes
        high[half] = b.max(b.shuffleXor(high[half], mask), high[half]);
      shrink.push_back(products.exp(b.sub(state[half], high[half])));
      total.push_back(b.mul(state[2 + half], shrink[half]));
    }
    for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i) {
      scores[i] = products.exp(b.sub(scores[i], high[i % 4 / 2]));
      total[i % 4 / 2] = b.add(total[i % 4 / 2], scores[i]);
    }
    Values sums;
    for (auto [i, sum] : llvm::enumerate(state.drop_front(4)))
      sums.push_back(b.mul(sum, shrink[i % 4 / 2]));
    next = high;
    next.append(total);
    next.append(products.accumulate(sums, scores, values));
    return next;
  });

  Values inverse;
  for (int64_t half = 0; half < 2; ++half) {
    Value total = carried[2 + half]; // of this lane's columns
    for (int64_t mask : {1, 2})
      total = b.add(total, b.shuffleXor(total, mask));
    inverse.push_back(b.div(1, total));
    Value row = products.row(half);
    if (memory.logSumExp)
      b.ifThen(b.bitAnd(b.equal(products.column(), 0), b.less(row, count)),
               [&] { b.store(b.add(carried[half], b.log(total)), memory.logSumExp, b.add(first, row)); });
  }
  storeRows(b, products, ValueRange(carried).drop_front(4), inverse, b.at(memory.y, b.mul(first, shape.features())),
            shape.features(), shape.width, count);
}

static constexpr int64_t forwardColumns = 64;

// Blocks of queries vary slowest, the longest first: those with most keys must not be left for the end.
static void planForward(GpuPlan &plan, const AttentionShape &shape,
                        llvm::function_ref<ForwardMemory(GpuBuilder &, Value)> memoryOf) {
  AttentionCut cut = chooseCut(plan.precision, shape.width, 1, 2, 0, forwardColumns);
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run("attend", {shape.batch * shape.heads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value first = b.mul(b.sub(blocks - 1, b.block(1)), cut.rows());
    emitForward(b, plan.precision, shape, cut, memoryOf(b, b.block(0)), first);
  });
}

static void planAttention(Operation *op, GpuPlan &plan) {
  auto attention = cast<AttentionOp>(op);
  AttentionShape shape(attention);
  planForward(plan, shape, [&](GpuBuilder &b, Value row) -> ForwardMemory {
    Value batch = b.div(row, shape.heads), head = b.rem(row, shape.heads);
    Value own = b.add(b.mul(batch, shape.sequence * shape.features()), b.mul(head, shape.width));
    Value kv = b.add(b.mul(batch, shape.sequence * shape.kvFeatures()), b.mul(b.div(head, shape.group()), shape.width));
    return {b.at(b.operand(attention.getQ()), own),
            b.at(b.result(attention.getResult()), own),
            b.at(b.operand(attention.getK()), kv),
            b.at(b.operand(attention.getV()), kv),
            b.at(b.result(attention.getLogSumExp()), b.mul(row, shape.sequence)),
            b.i64(0),
            b.i64(shape.sequence),
            /*alignedKeys=*/true};
  });
}

// The caches get their rows first, in a function of their own: blocks of queries read what others would write.
static void planPrefill(CachedAttentionOp attention, const AttentionShape &shape, GpuPlan &plan) {
  int64_t context = attention.getKeyCache().getType().getShape()[0], rows = shape.kvFeatures();
  auto position = [&](GpuBuilder &b) { return b.toI64(b.load(b.getI32Type(), b.operand(attention.getPosition()))); };
  plan.run("append", {blocksFor(shape.sequence * rows)}, kThreads, [&](GpuBuilder &b) {
    Value first = position(b);
    b.forGrid(shape.sequence * rows, [&](Value i) {
      // A padded prompt may reach beyond the caches.
      b.ifThen(b.less(b.add(first, b.div(i, rows)), context), [&] {
        Value to = b.add(b.mul(first, rows), i);
        b.store(b.loadF32(b.operand(attention.getK()), i), b.operand(attention.getKeyCache()), to);
        b.store(b.loadF32(b.operand(attention.getV()), i), b.operand(attention.getValueCache()), to);
      });
    });
  });
  planForward(plan, shape, [&](GpuBuilder &b, Value head) -> ForwardMemory {
    Value own = b.mul(head, shape.width), kv = b.mul(b.div(head, shape.group()), shape.width);
    return {b.at(b.operand(attention.getQ()), own),
            b.at(b.result(attention.getResult()), own),
            b.at(b.operand(attention.getKeyCache()), kv),
            b.at(b.operand(attention.getValueCache()), kv),
            Value(),
            position(b),
            b.i64(context),
            /*alignedKeys=*/false};
  });
}

static void planCachedAttention(Operation *op, GpuPlan &plan) {
  auto attention = cast<CachedAttentionOp>(op);
  AttentionShape shape(attention);
  shape.sequence == 1 ? planDecode(attention, shape, plan) : planPrefill(attention, shape, plan);
}

ArrayRef<GpuKernel> qfa::gpuAttentionKernels() {
  static const GpuKernel kernels[] = {
      {AttentionOp::getOperationName(), planAttention},
      {CachedAttentionOp::getOperationName(), planCachedAttention},
  };
  return kernels;
}
