// A block of threads has a query head, or where heads are fewer than a card's places a share of its keys. The keys of a
// block are dealt to its warps, lanes are features, and what warps and blocks found is merged at the end. The new key
// and value are read where they come from, so that no block waits for another to write them.
#include "AttentionDecode.h"

#include "AttentionWalk.h"

#include <limits>

using namespace mlir;
using namespace qfa;

static constexpr int64_t decodeThreads = 256, keysAtOnce = 4;

// Blocks that share a head: enough for two blocks on each of a large card's multiprocessors, unless that leaves a block
// fewer keys than it needs to start for.
static int64_t chooseShares(int64_t heads, int64_t context) {
  constexpr int64_t blocks = 2 * 132, leastKeys = 128;
  return std::min(ceilDiv(blocks, heads), ceilDiv(context, leastKeys));
}

namespace {
// What is known of some keys: their scores' maximum, the sum of e^(score - maximum), and the values weighted alike.
struct Partial {
  Value high, total;
  Values sums; // this lane's features
};

class Decode {
public:
  // shares: blocks of a head. With several, each leaves what it found at `partials` of the workspace: [heads, shares, 2
  // + width].
  Decode(GpuBuilder &b, CachedAttentionOp op, const AttentionShape &shape, int64_t shares, int64_t partials)
      : b(b), op(op), shape(shape), shares(shares), partials(partials),
        context(op.getKeyCache().getType().getShape()[0]), head(b.block()),
        kv(b.mul(b.div(head, shape.group()), shape.width)),
        position(b.toI64(b.load(b.getI32Type(), b.operand(op.getPosition())))) {}

  void emit() {
    append();
    Partial found = merge(attend());
    b.ifThen(b.equal(b.warp(), 0), [&] {
      if (shares > 1)
        return leave(found);
      for (Value &sum : found.sums)
        sum = b.div(sum, found.total);
      storeFeatures(found.sums, b.at(b.result(op.getResult()), b.mul(head, shape.width)));
    });
  }

private:
  int64_t parts() const { return ceilDiv(shape.width, kWarp); } // features of a lane
  Value feature(int64_t i) { return b.add(b.lane(), i * kWarp); }
  Value isFeature(int64_t i) { return b.less(feature(i), shape.width); }

  // This lane's features of a row; zeros behind the last one.
  Values load(Value row) {
    Values out;
    for (int64_t i = 0; i < parts(); ++i)
      out.push_back(b.select(isFeature(i), b.loadF32(row, b.min(feature(i), shape.width - 1)), 0));
    return out;
  }

  void storeFeatures(const Values &values, Value row) {
    for (int64_t i = 0; i < parts(); ++i)
      b.ifThen(isFeature(i), [&] { b.store(values[i], row, feature(i)); });
  }

  void leave(const Partial &found) {
    Value row = b.at(b.workspace(partials), b.mul(b.add(b.mul(head, shares), b.block(1)), 2 + shape.width));
    b.ifThen(b.equal(b.lane(), 0), [&] {
      b.store(found.high, row);
      b.store(found.total, row, 1);
    });
    storeFeatures(found.sums, b.at(row, 2));
  }

  // The group's first head writes the caches' row.
  void append() {
    Value isFirst = b.equal(b.add(b.rem(head, shape.group()), b.block(1)), 0);
    b.ifThen(b.bitAnd(isFirst, b.less(position, context)), [&] {
      Value row = b.add(b.mul(position, shape.kvFeatures()), kv);
      b.forThreads(shape.width, [&](Value i) {
        b.store(b.loadF32(b.operand(op.getK()), b.add(kv, i)), b.operand(op.getKeyCache()), b.add(row, i));
        b.store(b.loadF32(b.operand(op.getV()), b.add(kv, i)), b.operand(op.getValueCache()), b.add(row, i));
      });
    });
  }

  Value rowOf(Value fresh, Value cache, Value key) {
    Value old = b.at(cache, b.add(b.mul(key, shape.kvFeatures()), kv));
    return b.select(b.equal(key, position), b.at(fresh, kv), old);
  }

  // Maximum, sum and weighted values of this warp's keys.
  Values attend() {
    Values q = load(b.at(b.operand(op.getQ()), b.mul(head, shape.width)));
    Value begin = shape.window ? b.max(b.sub(b.add(position, 1), shape.window), 0) : b.i64(0);
    int64_t warps = decodeThreads / kWarp;
    begin = b.add(begin, b.mul(b.add(b.mul(b.block(1), warps), b.warp()), keysAtOnce));
    Values initial = {b.f32(std::numeric_limits<float>::lowest())};
    initial.append(1 + parts(), b.f32(0));
    int64_t step = shares * warps * keysAtOnce;
    return b.forLoop(begin, b.add(position, 1), step, initial, [&](Value first, ValueRange state) -> Values {
      Values scores, out(state);
      SmallVector<Values> values;
      Value high = state[0];
      for (int64_t i = 0; i < keysAtOnce; ++i) {
        Value key = b.min(b.add(first, i), position), product = b.f32(0);
        Values features = load(rowOf(b.operand(op.getK()), b.operand(op.getKeyCache()), key));
        values.push_back(load(rowOf(b.operand(op.getV()), b.operand(op.getValueCache()), key)));
        for (int64_t part = 0; part < parts(); ++part)
          product = b.fma(q[part], features[part], product);
        Value score = b.mul(scaleScore(b, Precision::f32, shape, b.reduceWarp(Reduction::sum, product)), shape.unit());
        scores.push_back(
            b.select(b.lessEqual(b.add(first, i), position), score, -std::numeric_limits<double>::infinity()));
        high = b.max(scores[i], high);
      }
      Value shrink = b.exp(b.sub(state[0], high));
      out[0] = high;
      for (Value &sum : llvm::drop_begin(out))
        sum = b.mul(sum, shrink);
      for (int64_t i = 0; i < keysAtOnce; ++i) {
        Value p = b.exp(b.sub(scores[i], high));
        out[1] = b.add(out[1], p);
        for (int64_t part = 0; part < parts(); ++part)
          out[2 + part] = b.fma(p, values[i][part], out[2 + part]);
      }
      return out;
    });
  }

  // Of all warps, in every warp.
  Partial merge(const Values &found) {
    int64_t warps = decodeThreads / kWarp, row = parts() * kWarp;
    Value stats = b.shared(2 * warps), sums = b.shared(warps * row);
    b.ifThen(b.equal(b.lane(), 0), [&] {
      b.store(found[0], stats, b.warp());
      b.store(found[1], stats, b.add(b.warp(), warps));
    });
    for (int64_t part = 0; part < parts(); ++part)
      b.store(found[2 + part], sums, b.add(b.mul(b.warp(), row), feature(part)));
    b.barrier();
    Value high = b.loadF32(stats), total = b.f32(0);
    for (int64_t warp = 1; warp < warps; ++warp)
      high = b.max(b.loadF32(stats, warp), high);
    Values out(parts(), b.f32(0));
    for (int64_t warp = 0; warp < warps; ++warp) { // a warp without keys has a factor of zero
      Value factor = b.exp(b.sub(b.loadF32(stats, warp), high));
      total = b.fma(factor, b.loadF32(stats, warp + warps), total);
      for (int64_t part = 0; part < parts(); ++part)
        out[part] = b.fma(factor, b.loadF32(sums, b.add(feature(part), warp * row)), out[part]);
    }
    return {high, total, out};
  }

  GpuBuilder &b;
  CachedAttentionOp op;
  const AttentionShape &shape;
  int64_t shares, partials, context;
  Value head, kv, position; // kv: the key/value head's first feature
};
} // namespace

// A block has a head, a thread some of its features.
static void emitMerge(GpuBuilder &b, CachedAttentionOp op, const AttentionShape &shape, int64_t shares,
                      int64_t partials) {
  int64_t length = 2 + shape.width;
  Value first = b.at(b.workspace(partials), b.mul(b.block(), shares * length));
  Value high = b.loadF32(first), total = b.f32(0);
  for (int64_t share = 1; share < shares; ++share)
    high = b.max(b.loadF32(first, share * length), high);
  Values factors; // zero for a share without keys
  for (int64_t share = 0; share < shares; ++share) {
    factors.push_back(b.exp(b.sub(b.loadF32(first, share * length), high)));
    total = b.fma(factors[share], b.loadF32(first, share * length + 1), total);
  }
  b.forThreads(shape.width, [&](Value feature) {
    Value sum = b.f32(0);
    for (int64_t share = 0; share < shares; ++share)
      sum = b.fma(factors[share], b.loadF32(first, b.add(feature, share * length + 2)), sum);
    b.store(b.div(sum, total), b.result(op.getResult()), b.add(b.mul(b.block(), shape.width), feature));
  });
}

void qfa::planDecode(CachedAttentionOp attention, const AttentionShape &shape, GpuPlan &plan) {
  int64_t shares = chooseShares(shape.heads, attention.getKeyCache().getType().getShape()[0]);
  int64_t partials = shares > 1 ? plan.workspace(4 * shape.heads * shares * (2 + shape.width)) : 0;
  plan.run("decode", {shape.heads, shares}, decodeThreads,
           [&](GpuBuilder &b) { Decode(b, attention, shape, shares, partials).emit(); });
  if (shares > 1)
    plan.run("merge", {shape.heads}, 128, [&](GpuBuilder &b) { emitMerge(b, attention, shape, shares, partials); });
}
