// Attention without the matrix of scores (arXiv 2307.08691): a block of threads has a block of queries of one head and
// meets the keys block by block, with a running maximum and sum in registers.
#include "AttentionDecode.h"
#include "AttentionWalk.h"

using namespace mlir;
using namespace qfa;

namespace {
// Rows of a query head and its key/value head: of panels, and of the result, where they are features apart.
struct ForwardMemory {
  Value q, keys, values, y, logSumExp; // logSumExp: [sequence], may be null
  Value position;                      // of the first query
  Value keyCount;                      // keys that there are
};
} // namespace

// One instruction on this machine; the builder's max is two.
static Value maxOf(GpuBuilder &b, Value x, Value y) { return arith::MaxNumFOp::create(b, x, y); }

// Queries first .. first + cut.rows() - 1.
static void emitForward(GpuBuilder &b, const AttentionShape &shape, const HeadLayout &layout, const AttentionCut &cut,
                        const ForwardMemory &memory, Value first) {
  HeadTile keys(b, layout, cut.columns), values(b, layout, cut.columns);
  AttentionProducts products(b, layout, cut);
  Walk walk = walkOverKeys(b, shape, cut, b.add(memory.position, first), memory.keyCount);
  auto copyKeys = [&](Value key) {
    b.ifThen(b.less(key, walk.end), [&] { keys.copy(layout.row(b, memory.keys, key)); });
  };
  OwnedRows queries = products.own(layout.row(b, memory.q, first), AttentionProducts::keepsFragments(layout));
  copyKeys(walk.begin);

  // Of a weight, exponents are units of the score times this.
  double unit = shape.unit() * logOfE(layout.precision);
  // Carried: maximum and sum of both rows, the sums of values. The maximum is finite, so that the distance to it is a
  // number also while no key has been seen.
  Values carried(2, b.f32(-1e30));
  carried.append(2 + layout.padded / 2, b.f32(0));
  // Keys arrive while the values before are multiplied, values while the keys are.
  carried = emitWalk(b, cut, walk, carried, [&](Value key, bool masked, ValueRange state) -> Values {
    awaitCopies(b);
    b.barrier(); // the keys have arrived, and all are done with the values before
    values.copy(layout.row(b, memory.values, key));
    Values scores = products.scores(products.zeros(), queries, keys);
    awaitCopies(b);
    b.barrier(); // the values have arrived, and all are done with the keys
    copyKeys(b.add(key, cut.columns));

    for (Value &score : scores)
      score = scaleScore(b, layout.precision, shape, score);
    if (masked)
      maskScores(b, shape, products, scores, b.add(memory.position, first), key, /*rowsAreQueries=*/true);
    Values high(state.take_front(2)), total, shrink, shift;
    for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i)
      high[i % 4 / 2] = maxOf(b, high[i % 4 / 2], scores[i]);
    for (int64_t half = 0; half < 2; ++half) {
      for (int64_t mask : {1, 2}) // a row lies in four neighbouring lanes
        high[half] = maxOf(b, high[half], b.shuffleXor(high[half], mask));
      shift.push_back(b.mul(high[half], -unit));
      shrink.push_back(power(b, layout.precision, b.mul(b.sub(state[half], high[half]), unit)));
      total.push_back(b.mul(state[2 + half], shrink[half]));
    }
    for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i) {
      scores[i] = power(b, layout.precision, b.fma(scores[i], unit, shift[i % 4 / 2]));
      total[i % 4 / 2] = b.add(total[i % 4 / 2], scores[i]);
    }
    Values sums, next = high;
    for (auto [i, sum] : llvm::enumerate(state.drop_front(4)))
      sums.push_back(b.mul(sum, shrink[i % 4 / 2]));
    next.append(total);
    next.append(products.accumulate(sums, scores, values));
    return next;
  });

  Value count = b.min(b.sub(shape.sequence, first), cut.rows());
  SmallVector<Term> inverse;
  for (int64_t half = 0; half < 2; ++half) {
    Value total = carried[2 + half]; // of this lane's columns
    for (int64_t mask : {1, 2})
      total = b.add(total, b.shuffleXor(total, mask));
    inverse.push_back(b.div(1, total));
    Value row = products.row(half);
    if (memory.logSumExp)
      b.ifThen(b.bitAnd(b.equal(products.column(), 0), b.less(row, count)),
               [&] { b.store(b.fma(carried[half], shape.unit(), b.log(total)), memory.logSumExp, b.add(first, row)); });
  }
  storeRows(b, products, ValueRange(carried).drop_front(4), inverse, b.at(memory.y, b.mul(first, shape.features())),
            shape.features(), shape.width, count);
}

// panels: of q, keys and values. Blocks of queries vary slowest, the longest first: those with most keys must not be
// left for the end.
static void planForward(GpuPlan &plan, const AttentionShape &shape, ArrayRef<HeadPanel> panels,
                        llvm::function_ref<ForwardMemory(GpuBuilder &, Value)> memoryOf) {
  const HeadLayout &layout = panels[0].layout;
  int64_t owned = AttentionProducts::keepsFragments(layout) ? 0 : 1;
  AttentionCut cut = chooseCut(layout, owned, /*walked=*/2,
                               {mostWarps(layout, shape.sequence), /*columns=*/layout.isWide() ? 32 : 64});
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run("attend", {shape.batch * shape.heads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value head = b.block(0), kvHead = b.div(head, shape.group()); // with the batch
    if (layout.padded <= 64)
      b.wantBlocks(2); // 128 registers suffice, but are not always found
    ForwardMemory memory = memoryOf(b, head);
    memory.q = panels[0].head(b, head);
    memory.keys = panels[1].head(b, kvHead);
    memory.values = panels[2].head(b, kvHead);
    emitForward(b, shape, layout, cut, memory, b.mul(b.sub(blocks - 1, b.block(1)), cut.rows()));
  });
}

static void planAttention(Operation *op, GpuPlan &plan) {
  auto attention = cast<AttentionOp>(op);
  AttentionShape shape(attention);
  auto panels = planHeadPanels(plan, shape.width, {attention.getQ(), attention.getK(), attention.getV()});
  planForward(plan, shape, panels, [&](GpuBuilder &b, Value head) {
    ForwardMemory memory;
    memory.y = b.at(b.result(attention.getResult()), shape.rowOf(b, head, shape.heads));
    memory.logSumExp = b.at(b.result(attention.getLogSumExp()), b.mul(head, shape.sequence));
    memory.position = b.i64(0);
    memory.keyCount = b.i64(shape.sequence);
    return memory;
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
  auto keyCount = [&](GpuBuilder &b) { return b.min(b.add(position(b), shape.sequence), context); };
  auto panels = planHeadPanels(plan, shape.width,
                               {attention.getQ(), attention.getKeyCache(), attention.getValueCache()}, keyCount);
  planForward(plan, shape, panels, [&](GpuBuilder &b, Value head) {
    ForwardMemory memory;
    memory.y = b.at(b.result(attention.getResult()), shape.rowOf(b, head, shape.heads));
    memory.position = position(b);
    memory.keyCount = keyCount(b);
    return memory;
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
