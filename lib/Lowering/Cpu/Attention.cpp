// Attention without the matrix of scores: a block of queries meets the keys block by block with a running maximum and
// sum (arXiv 2307.08691). Scores are held transposed, [keys][queries]: lanes are queries, so maxima and sums over keys
// need no exchange between lanes, and neither keys nor values are repacked.
#include "Attention.h"

#include "CpuKernels.h"
#include "TokenTiles.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace qfa;

static Value last(CodeBuilder &k, const HeadShape &shape, QuerySpan queries) { // position of the span's last query
  return shape.isStacked ? queries.first : k.sub(k.add(queries.first, queries.count), 1);
}

void qfa::forKeyBlocks(CodeBuilder &k, const HeadShape &shape, QuerySpan queries,
                       llvm::function_ref<void(Value, Value, Value)> body) {
  Value lastQuery = last(k, shape, queries), end = k.add(lastQuery, 1), begin = k.i64(0);
  if (shape.context) // a padded prompt may reach beyond the caches; those rows of the result mean nothing
    end = k.min(end, shape.context);
  if (shape.window) {
    begin = k.max(k.sub(k.add(queries.first, 1), shape.window), 0);
    begin = k.sub(begin, k.rem(begin, kKeyBlock));
  }
  k.forLoop(begin, end, kKeyBlock, [&](Value key) {
    Value count = k.min(k.sub(end, key), kKeyBlock);
    Value masked = k.less(queries.first, k.sub(k.add(key, count), 1)); // the first query does not see the last key
    if (shape.window)                                                  // the last query does not see the first key
      masked = k.bitOr(masked, k.lessEqual(key, k.sub(lastQuery, shape.window)));
    body(key, count, masked);
  });
}

Value qfa::isVisible(CodeBuilder &k, const HeadShape &shape, Value firstQuery, Value key) {
  SmallVector<int32_t> lanes(k.target.lanes, 0);
  if (!shape.isStacked)
    std::iota(lanes.begin(), lanes.end(), 0);
  Value query = k.add(arith::TruncIOp::create(k, k.getI32Type(), firstQuery).getResult(), k.constants(lanes));
  Value scalar = arith::TruncIOp::create(k, k.getI32Type(), key);
  Value seen = k.lessEqual(scalar, query);
  return shape.window ? k.bitAnd(seen, k.less(k.sub(query, shape.window), scalar)) : seen;
}

namespace {

// One block of queries of one head against all its keys.
class QueryBlock {
public:
  // q, y: [queries, width] at rows `row` apart; keys, values: rows kvFeatures apart.
  struct Memory {
    Value q, y, keys, values, logSumExp; // logSumExp: [queries], may be null
    int64_t row;
  };

  QueryBlock(CodeBuilder &k, const HeadShape &shape, int64_t width, Value scratch)
      : k(k), shape(shape), width(width), packed(scratch), scores(k.at(packed, shape.width * width)),
        sums(k.at(scores, kKeyBlock * width)), maximum(k.at(sums, shape.width * width)), total(k.at(maximum, width)),
        factor(k.at(total, width)) {}

  static int64_t scratchFloats(const HeadShape &shape, int64_t width) {
    return (2 * shape.width + kKeyBlock + 3) * width;
  }

  void emit(const Memory &memory, QuerySpan queries) {
    int64_t d = shape.width;
    emitTransposed(k, queries.count, d, {memory.q, memory.row}, shape.scale, packed, width);
    k.vectorLoop(width, [&](Value i, Type type) {
      // Finite, so that the distance to it is a number also while no key has been seen.
      k.store(k.constant(type, std::numeric_limits<float>::lowest()), maximum, i);
      k.store(k.constant(type, 0), total, i);
    });
    k.vectorLoop(k.mul(queries.count, d), [&](Value i, Type type) { k.store(k.constant(type, 0), sums, i); });

    forKeyBlocks(k, shape, queries, [&](Value key, Value count, Value masked) {
      Value first = k.mul(key, shape.kvFeatures());
      Matrix keys{k.at(memory.keys, first), shape.kvFeatures()}, values{k.at(memory.values, first), shape.kvFeatures()};
      Matrix score{scores, width};
      emitProduct(k, count, width, k.i64(d), keys, {packed, width}, score);
      k.ifThen(
          masked, [&] { emitSoftmax(queries.first, key, count, true); },
          [&] { emitSoftmax(queries.first, key, count, false); });
      k.forLoop(0, queries.count, 1, [&](Value query) {
        Value row = k.at(sums, k.mul(query, d)), by = k.loadF32(factor, query);
        k.vectorLoop(d, [&](Value i, Type type) { k.store(k.mul(k.load(type, row, i), by), row, i); });
      });
      emitProduct(k, queries.count, d, count, score.transposed(), values, {sums, d}, /*accumulate=*/true);
    });

    k.forLoop(0, queries.count, 1, [&](Value query) {
      Value from = k.at(sums, k.mul(query, d)), to = k.at(memory.y, k.mul(query, memory.row));
      Value inverse = k.div(1, k.loadF32(total, query));
      k.vectorLoop(d, [&](Value i, Type type) { k.store(k.mul(k.load(type, from, i), inverse), to, i); });
    });
    if (memory.logSumExp)
      k.vectorLoop(queries.count, [&](Value i, Type type) {
        k.store(k.add(k.load(type, maximum, i), k.log(k.load(type, total, i))), memory.logSumExp, i);
      });
  }

private:
  // scores become exp(score - maximum), total their sum over all keys so far, factor what the older sums shrink by.
  void emitSoftmax(Value firstQuery, Value firstKey, Value count, bool masked) {
    k.forLoop(0, width, k.target.lanes, [&](Value lane) {
      Value column = k.at(scores, lane), old = k.load(k.vec(), maximum, lane), query = k.add(firstQuery, lane);
      if (shape.isStacked)
        query = firstQuery;
      Values high = k.forLoop(0, count, 1, old, [&](Value key, ValueRange carried) -> Values {
        Value at = k.mul(key, width), score = k.load(k.vec(), column, at);
        if (shape.softcap)
          score = k.mul(k.tanh(k.mul(score, 1 / shape.softcap)), shape.softcap);
        if (masked)
          score = k.select(isVisible(k, shape, query, k.add(firstKey, key)), score,
                           -std::numeric_limits<double>::infinity());
        if (shape.softcap || masked)
          k.store(score, column, at);
        return {k.max(score, carried[0])};
      });
      Values sum = k.forLoop(0, count, 1, k.constant(k.vec(), 0), [&](Value key, ValueRange carried) -> Values {
        Value at = k.mul(key, width), p = k.exp(k.sub(k.load(k.vec(), column, at), high[0]));
        k.store(p, column, at);
        return {k.add(carried[0], p)};
      });
      Value shrink = k.exp(k.sub(old, high[0]));
      k.store(shrink, factor, lane);
      k.store(high[0], maximum, lane);
      k.store(k.fma(k.load(k.vec(), total, lane), shrink, sum[0]), total, lane);
    });
  }

  CodeBuilder &k;
  const HeadShape &shape;
  int64_t width; // lanes reserved for queries
  // [d][width] queries, scaled; [kKeyBlock][width]; [width][d]; [width] three times
  Value packed, scores, sums, maximum, total, factor;
};

} // namespace

//===----------------------------------------------------------------------===//
// attention: a tile is a block of queries of one head
//===----------------------------------------------------------------------===//

static int64_t queryBlocks(AttentionOp op) { return ceilDiv(op.getQ().getType().getDimSize(1), kQueryBlock); }

static void emitAttention(Operation *op, KernelBuilder &k) {
  auto attention = cast<AttentionOp>(op);
  HeadShape shape(attention);
  int64_t sequence = attention.getQ().getType().getDimSize(1), width = queryBlock(k.target, sequence);
  int64_t blocks = queryBlocks(attention), d = shape.width;
  Value q = k.operand(attention.getQ()), keys = k.operand(attention.getK()), values = k.operand(attention.getV());
  Value y = k.result(attention.getResult()), logSumExp = k.result(attention.getLogSumExp());
  k.forTiles([&](Value tile) {
    // Blocks vary slowest, the longest first: those with most keys must not be left for the end.
    int64_t rows = attention.getQ().getType().getDimSize(0) * shape.heads;
    Value block = k.sub(blocks - 1, k.div(tile, rows)), row = k.rem(tile, rows);
    Value batch = k.div(row, shape.heads), head = k.rem(row, shape.heads);
    Value first = k.mul(block, kQueryBlock), token = k.add(k.mul(batch, sequence), first);
    Value own = k.add(k.mul(token, shape.features()), k.mul(head, d));
    Value kv = k.add(k.mul(batch, sequence * shape.kvFeatures()), k.mul(k.div(head, shape.group()), d));
    QueryBlock::Memory memory{k.at(q, own),
                              k.at(y, own),
                              k.at(keys, kv),
                              k.at(values, kv),
                              k.at(logSumExp, k.add(k.mul(row, sequence), first)),
                              shape.features()};
    QueryBlock(k, shape, width, k.scratch()).emit(memory, {first, k.min(k.sub(sequence, first), kQueryBlock)});
  });
}

//===----------------------------------------------------------------------===//
// cached_attention: a tile is a key/value head, which writes its part of the caches first
//===----------------------------------------------------------------------===//

// One query: the group's heads stand in its lanes instead of queries.
static HeadShape cachedShape(CachedAttentionOp op) {
  HeadShape shape(op);
  shape.context = op.getKeyCache().getType().getShape()[0];
  shape.isStacked = op.getQ().getType().getDimSize(1) == 1;
  return shape;
}

static int64_t cachedWidth(CachedAttentionOp op, const Isa &target) {
  HeadShape shape = cachedShape(op);
  return shape.isStacked ? roundUp(shape.group(), target.lanes) : queryBlock(target, op.getQ().getType().getDimSize(1));
}

static void emitCachedAttention(Operation *op, KernelBuilder &k) {
  auto attention = cast<CachedAttentionOp>(op);
  HeadShape shape = cachedShape(attention);
  int64_t sequence = attention.getQ().getType().getDimSize(1), d = shape.width;
  Value q = k.operand(attention.getQ()), y = k.result(attention.getResult());
  Value position = k.toI64(k.load(k.getI32Type(), k.operand(attention.getPosition())));
  Value newRows = k.mul(position, shape.kvFeatures());
  QueryBlock block(k, shape, cachedWidth(attention, k.target), k.scratch());
  k.forTiles([&](Value kvHead) {
    Value kv = k.mul(kvHead, d), keys = k.at(k.operand(attention.getKeyCache()), kv),
          values = k.at(k.operand(attention.getValueCache()), kv);
    auto append = [&](Value cache, Value fresh) {
      copyMatrix(k, k.at(cache, newRows), k.i64(shape.kvFeatures()), k.at(fresh, kv), k.i64(shape.kvFeatures()),
                 k.min(k.sub(shape.context, position), sequence), k.i64(d));
    };
    append(keys, k.operand(attention.getK()));
    append(values, k.operand(attention.getV()));
    Value group = k.mul(kvHead, shape.group() * d);
    auto attend = [&](Value at, int64_t row, QuerySpan queries) {
      block.emit({k.at(q, at), k.at(y, at), keys, values, Value(), row}, queries);
    };
    if (shape.isStacked)
      return attend(group, d, {position, k.i64(shape.group())});
    k.forLoop(0, shape.group(), 1, [&](Value head) {
      k.forLoop(0, sequence, kQueryBlock, [&](Value first) {
        Value at = k.add(k.add(group, k.mul(head, d)), k.mul(first, shape.features()));
        attend(at, shape.features(), {k.add(position, first), k.min(k.sub(sequence, first), kQueryBlock)});
      });
    });
  });
}

ArrayRef<CpuKernel> qfa::attentionKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.attention",
       [](Operation *op) {
         auto attention = cast<AttentionOp>(op);
         return attention.getQ().getType().getDimSize(0) * static_cast<int64_t>(attention.getNumHeads()) *
                queryBlocks(attention);
       },
       [](Operation *op, const Isa &target) {
         auto attention = cast<AttentionOp>(op);
         int64_t width = queryBlock(target, attention.getQ().getType().getDimSize(1));
         return 4 * QueryBlock::scratchFloats(HeadShape(attention), width);
       },
       emitAttention},
      {"qfa.cached_attention",
       [](Operation *op) { return static_cast<int64_t>(cast<CachedAttentionOp>(op).getNumKvHeads()); },
       [](Operation *op, const Isa &target) {
         auto attention = cast<CachedAttentionOp>(op);
         return 4 * QueryBlock::scratchFloats(cachedShape(attention), cachedWidth(attention, target));
       },
       emitCachedAttention},
  };
  return kernels;
}
