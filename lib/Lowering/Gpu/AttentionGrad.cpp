// Gradients of attention, with the probabilities computed again from the scores and log_sum_exp. With
// P = exp(S - log_sum_exp), dP = dy V^T, D = rowsum(dy y) and dS = scale P (dP - D):
//
//   dv = P^T dy,   dk = dS^T q,   dq = dS k
//
// One function owns blocks of keys and walks over queries, with scores transposed; one owns blocks of queries and walks
// over keys. So every sum has one owner and one order, at the price of computing the scores twice.
#include "AttentionTile.h"

using namespace mlir;
using namespace qfa;

namespace {
// Of one query head and its key/value head: first rows.
struct GradMemory {
  Value q, dy, keys, values, logSumExp, delta;
};
struct Grad {
  AttentionGradOp op;
  AttentionShape shape;
  int64_t delta; // workspace: D, as log_sum_exp lies

  Value queries(GpuBuilder &b, Value batch, Value head) {
    return b.add(b.mul(batch, shape.sequence * shape.features()), b.mul(head, shape.width));
  }
  Value keys(GpuBuilder &b, Value batch, Value kvHead) {
    return b.add(b.mul(batch, shape.sequence * shape.kvFeatures()), b.mul(kvHead, shape.width));
  }
  GradMemory memory(GpuBuilder &b, Value batch, Value head) {
    Value own = queries(b, batch, head), kv = keys(b, batch, b.div(head, shape.group()));
    Value row = b.mul(b.add(b.mul(batch, shape.heads), head), shape.sequence);
    return {b.at(b.operand(op.getQ()), own), b.at(b.operand(op.getDresult()), own),   b.at(b.operand(op.getK()), kv),
            b.at(b.operand(op.getV()), kv),  b.at(b.operand(op.getLogSumExp()), row), b.at(b.workspace(delta), row)};
  }
};
} // namespace

// A warp has a row of a head.
static void planRowTerms(GpuPlan &plan, Grad &grad) {
  constexpr int64_t threads = 128, perBlock = threads / kWarp;
  const AttentionShape &shape = grad.shape;
  int64_t rows = shape.batch * shape.sequence * shape.heads;
  plan.run("row_terms", {ceilDiv(rows, perBlock)}, threads, [&](GpuBuilder &b) {
    Value row = b.add(b.mul(b.block(), perBlock), b.warp());
    b.ifThen(b.less(row, rows), [&] {
      Value first = b.mul(row, shape.width);
      Value y = b.at(b.operand(grad.op.getResult()), first), dy = b.at(b.operand(grad.op.getDresult()), first);
      Value sum = b.forLoop(b.lane(), shape.width, kWarp, b.f32(0), [&](Value i, ValueRange carried) -> Values {
        return {b.fma(b.loadF32(y, i), b.loadF32(dy, i), carried[0])};
      })[0];
      sum = b.reduceWarp(Reduction::sum, sum);
      Value token = b.div(row, shape.heads), head = b.rem(row, shape.heads);
      Value batch = b.div(token, shape.sequence), query = b.rem(token, shape.sequence);
      Value at = b.add(b.mul(b.add(b.mul(batch, shape.heads), head), shape.sequence), query);
      b.ifThen(b.equal(b.lane(), 0), [&] { b.store(sum, b.workspace(grad.delta), at); });
    });
  });
}

// Scores become P, slopes (dP) become dS. logSumExp and delta: of the i-th value of a fragment.
static void emitProbabilities(GpuBuilder &b, const AttentionShape &shape, AttentionProducts &products, Values &scores,
                              Values *slopes, Value firstRow, Value firstColumn, bool rowsAreQueries, Value masked,
                              llvm::function_ref<Value(int64_t)> logSumExp, llvm::function_ref<Value(int64_t)> delta) {
  int64_t n = static_cast<int64_t>(scores.size());
  Values caps(n);
  for (int64_t i = 0; i < n; ++i)
    scores[i] = scaleScore(b, shape, scores[i], &caps[i]);
  scores = maskScores(b, shape, products, scores, firstRow, firstColumn, rowsAreQueries, masked);
  for (int64_t i = 0; i < n; ++i) {
    scores[i] = products.exp(b.sub(scores[i], logSumExp(i)));
    if (!slopes)
      continue;
    Value slope = b.mul(b.mul(scores[i], shape.scale), b.sub((*slopes)[i], delta(i)));
    (*slopes)[i] = caps[i] ? b.mul(slope, caps[i]) : slope;
  }
}

static void planQueries(GpuPlan &plan, Grad &grad, int64_t largest) {
  const AttentionShape &shape = grad.shape;
  AttentionCut cut = chooseCut(plan.precision, shape.width, 2, 2, 0, largest);
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run("queries", {shape.batch * shape.heads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value batch = b.div(b.block(0), shape.heads), head = b.rem(b.block(0), shape.heads);
    Value first = b.mul(b.sub(blocks - 1, b.block(1)), cut.rows()); // the longest first
    GradMemory memory = grad.memory(b, batch, head);
    HeadTile q(b, plan.precision, cut.rows(), shape.width), dy(b, plan.precision, cut.rows(), shape.width),
        keys(b, plan.precision, cut.columns, shape.width), values(b, plan.precision, cut.columns, shape.width);
    AttentionProducts products(b, plan.precision, cut);
    Value count = b.min(b.sub(shape.sequence, first), cut.rows()), end = b.add(first, count), begin = b.i64(0);
    if (shape.window)
      begin = b.max(b.sub(b.add(first, 1), shape.window), 0);
    q.load(b.at(memory.q, b.mul(first, shape.features())), shape.features(), count, true);
    dy.load(b.at(memory.dy, b.mul(first, shape.features())), shape.features(), count, true);
    Values logSumExp, delta;
    for (int64_t half = 0; half < 2; ++half) {
      Value at = b.add(first, b.min(products.row(half), b.sub(count, 1))), valid = b.less(products.row(half), count);
      logSumExp.push_back(b.select(valid, b.loadF32(memory.logSumExp, at), 0));
      delta.push_back(b.select(valid, b.loadF32(memory.delta, at), 0));
    }
    Values sums(q.padded / 2, b.f32(0));
    sums = b.forLoop(begin, end, cut.columns, sums, [&](Value key, ValueRange carried) -> Values {
      Value keyRows = b.min(b.sub(end, key), cut.columns), at = b.mul(key, shape.kvFeatures());
      b.barrier(); // all are done with the last keys and values
      keys.load(b.at(memory.keys, at), shape.kvFeatures(), keyRows, true);
      values.load(b.at(memory.values, at), shape.kvFeatures(), keyRows, true);
      b.barrier();
      Values scores = products.scores(q, keys), slopes = products.scores(dy, values);
      Value masked = b.less(first, b.add(key, cut.columns - 1));
      if (shape.window)
        masked = b.bitOr(masked, b.less(key, b.add(first, cut.rows() - shape.window)));
      emitProbabilities(
          b, shape, products, scores, &slopes, first, key, /*rowsAreQueries=*/true, masked,
          [&](int64_t i) { return logSumExp[i % 4 / 2]; }, [&](int64_t i) { return delta[i % 4 / 2]; });
      return products.accumulate(carried, slopes, keys);
    });
    Value dq = b.at(b.result(grad.op.getDq()), b.add(grad.queries(b, batch, head), b.mul(first, shape.features())));
    storeRows(b, products, sums, {}, dq, shape.features(), shape.width, count);
  });
}

// Adds up dk, dv or both.
static void planKeys(GpuPlan &plan, Grad &grad, StringRef part, bool wantsDk, bool wantsDv, int64_t largest) {
  const AttentionShape &shape = grad.shape;
  AttentionCut cut = chooseCut(plan.precision, shape.width, 2, 2, 2, largest);
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run(part, {shape.batch * shape.kvHeads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value batch = b.div(b.block(0), shape.kvHeads), kvHead = b.rem(b.block(0), shape.kvHeads);
    Value first = b.mul(b.block(1), cut.rows()); // the first keys are seen by most queries
    Value firstHead = b.mul(kvHead, shape.group()), own = grad.keys(b, batch, kvHead);
    own = b.add(own, b.mul(first, shape.kvFeatures()));
    HeadTile keys(b, plan.precision, cut.rows(), shape.width), values(b, plan.precision, cut.rows(), shape.width),
        q(b, plan.precision, cut.columns, shape.width), dy(b, plan.precision, cut.columns, shape.width);
    Value terms = b.shared(2 * cut.columns); // log_sum_exp, D
    AttentionProducts products(b, plan.precision, cut);
    Value count = b.min(b.sub(shape.sequence, first), cut.rows()), end = b.i64(shape.sequence);
    if (shape.window)
      end = b.min(end, b.add(first, cut.rows() - 1 + shape.window));
    keys.load(b.at(b.operand(grad.op.getK()), own), shape.kvFeatures(), count, true);
    values.load(b.at(b.operand(grad.op.getV()), own), shape.kvFeatures(), count, true);

    int64_t each = keys.padded / 2;
    auto block = [&](const GradMemory &memory, Value query, ValueRange carried) -> Values {
      Value rows = b.min(b.sub(end, query), cut.columns), at = b.mul(query, shape.features());
      b.barrier(); // all are done with the last queries
      q.load(b.at(memory.q, at), shape.features(), rows, true);
      dy.load(b.at(memory.dy, at), shape.features(), rows, true);
      b.forThreads(cut.columns, [&](Value i) {
        Value valid = b.less(i, rows), from = b.add(query, b.min(i, b.sub(rows, 1)));
        b.store(b.select(valid, b.loadF32(memory.logSumExp, from), 0), terms, i);
        b.store(b.select(valid, b.loadF32(memory.delta, from), 0), terms, b.add(i, cut.columns));
      });
      b.barrier();
      Values scores = products.scores(keys, q), slopes;
      if (wantsDk)
        slopes = products.scores(values, dy);
      Value masked = b.less(query, b.add(first, cut.rows() - 1));
      if (shape.window)
        masked = b.bitOr(masked, b.less(first, b.add(query, cut.columns - shape.window)));
      auto term = [&](int64_t i, int64_t which) {
        return b.loadF32(terms, b.add(products.column(), which * cut.columns + i / 4 * 8 + i % 2));
      };
      emitProbabilities(
          b, shape, products, scores, wantsDk ? &slopes : nullptr, first, query, /*rowsAreQueries=*/false, masked,
          [&](int64_t i) { return term(i, 0); }, [&](int64_t i) { return term(i, 1); });
      Values out;
      if (wantsDk)
        out = products.accumulate(carried.take_front(each), slopes, q);
      if (wantsDv)
        out.append(products.accumulate(carried.take_back(each), scores, dy));
      return out;
    };
    Values sums((wantsDk + wantsDv) * each, b.f32(0));
    sums = b.forLoop(0, shape.group(), 1, sums, [&](Value member, ValueRange carried) -> Values {
      GradMemory memory = grad.memory(b, batch, b.add(firstHead, member));
      return b.forLoop(first, end, cut.columns, carried,
                       [&](Value query, ValueRange inner) { return block(memory, query, inner); });
    });
    auto store = [&](Value result, ValueRange part) {
      storeRows(b, products, part, {}, b.at(b.result(result), own), shape.kvFeatures(), shape.width, count);
    };
    if (wantsDk)
      store(grad.op.getDk(), ValueRange(sums).take_front(each));
    if (wantsDv)
      store(grad.op.getDv(), ValueRange(sums).take_back(each));
  });
}

static void planAttentionGrad(Operation *op, GpuPlan &plan) {
  auto attention = cast<AttentionGradOp>(op);
  AttentionShape shape(attention);
  Grad grad{attention, shape, plan.workspace(4 * shape.batch * shape.heads * shape.sequence)};
  planRowTerms(plan, grad);
  // Registers: scores, slopes and sums of a lane are columns + (1 or 2) width / 2 numbers, of 255.
  int64_t largest = shape.width <= 64 ? 64 : 32;
  if (shape.width <= 128) {
    planKeys(plan, grad, "keys", true, true, largest);
  } else {
    planKeys(plan, grad, "keys", true, false, largest);
    planKeys(plan, grad, "values", false, true, largest);
  }
  planQueries(plan, grad, largest);
}

ArrayRef<GpuKernel> qfa::gpuAttentionGradKernels() {
  static const GpuKernel kernels[] = {{AttentionGradOp::getOperationName(), planAttentionGrad}};
  return kernels;
}
