// Gradients of attention, with the probabilities computed again from the scores and log_sum_exp. With
// P = exp(S - log_sum_exp), dP = dy V^T, D = rowsum(dy y) and dS = scale P (dP - D):
//
//   dv = P^T dy,   dk = dS^T q,   dq = dS k
//
// One function owns blocks of keys and walks over queries, with scores transposed; one owns blocks of queries and walks
// over keys. So every sum has one owner and one order, at the price of computing the scores twice.
#include "AttentionWalk.h"

using namespace mlir;
using namespace qfa;

namespace {
struct Grad {
  AttentionGradOp op;
  AttentionShape shape;
  HeadPanel q, keys, values, dy;
  // Workspace: [batch, heads, rows of a panel, 2], -log_sum_exp as an exponent of AttentionProducts::power, and -D.
  int64_t terms;

  // Pointer to a head's terms.
  Value termsOf(GpuBuilder &b, Value batchHead) const { return b.at(b.workspace(terms), b.mul(batchHead, 2 * q.rows)); }
};

// Two panels' rows that a block walks over, in as many stages as there is room for.
class Walked {
public:
  Walked(GpuBuilder &b, const HeadLayout &layout, const AttentionCut &cut)
      : b(b), layout(layout), cut(cut), first(b, layout, cut.columns, cut.stages),
        second(b, layout, cut.columns, cut.stages) {}

  using Products =
      llvm::function_ref<Values(Value column, bool masked, const HeadTile &, const HeadTile &, ValueRange)>;
  // Rows of heads from firstHead and secondHead on.
  Values emit(const Walk &walk, Value firstHead, Value secondHead, ValueRange carried, Products products) {
    auto stage = [&](Value column) { return b.rem(b.div(column, cut.columns), cut.stages); };
    auto copy = [&](Value column) {
      b.ifThen(b.less(column, walk.end), [&] {
        first.at(stage(column)).copy(layout.row(b, firstHead, column));
        second.at(stage(column)).copy(layout.row(b, secondHead, column));
      });
    };
    copy(walk.begin);
    return emitWalk(b, cut, walk, carried, [&](Value column, bool masked, ValueRange inner) {
      Value next = b.add(column, cut.columns);
      awaitCopies(b);
      b.barrier(); // these rows have arrived, and all are done with those before
      if (cut.stages > 1)
        copy(next);
      Values out = products(column, masked, first.at(stage(column)), second.at(stage(column)), inner);
      if (cut.stages == 1) {
        b.barrier(); // all are done with these
        copy(next);
      }
      return out;
    });
  }

private:
  GpuBuilder &b;
  const HeadLayout &layout;
  const AttentionCut &cut;
  HeadTile first, second;
};
} // namespace

// A warp has a row of a head, of the panel: zeros behind the sequence.
static void planRowTerms(GpuPlan &plan, Grad &grad) {
  constexpr int64_t threads = 128, perBlock = threads / kWarp;
  const AttentionShape &shape = grad.shape;
  int64_t rows = shape.batch * grad.q.rows * shape.heads;
  plan.run("row_terms", {ceilDiv(rows, perBlock)}, threads, [&](GpuBuilder &b) {
    Value row = b.add(b.mul(b.block(), perBlock), b.warp());
    Value token = b.div(row, shape.heads), head = b.rem(row, shape.heads);
    Value batch = b.div(token, grad.q.rows), query = b.rem(token, grad.q.rows);
    Value batchHead = b.add(b.mul(batch, shape.heads), head);
    Values terms = b.ifElse(
        b.less(query, shape.sequence), {b.f32(), b.f32()},
        [&]() -> Values {
          Value first = b.add(shape.rowOf(b, batchHead, shape.heads), b.mul(query, shape.features()));
          Value y = b.at(b.operand(grad.op.getResult()), first), dy = b.at(b.operand(grad.op.getDresult()), first);
          Value sum = b.forLoop(b.lane(), shape.width, kWarp, b.f32(0), [&](Value i, ValueRange carried) -> Values {
            return {b.fma(b.loadF32(y, i), b.loadF32(dy, i), carried[0])};
          })[0];
          Value logSumExp =
              b.loadF32(b.operand(grad.op.getLogSumExp()), b.add(b.mul(batchHead, shape.sequence), query));
          return {b.mul(logSumExp, -logOfE(plan.precision)), b.neg(b.reduceWarp(Reduction::sum, sum))};
        },
        [&]() -> Values { return {b.f32(0), b.f32(0)}; });
    b.ifThen(b.bitAnd(b.less(row, rows), b.equal(b.lane(), 0)),
             [&] { b.storeAligned(b.vectorOf(terms), grad.termsOf(b, batchHead), b.mul(query, 2)); });
  });
}

// Scores become P; slopes, where they are wanted, become dS / scale, and come as dP - D.
static void emitProbabilities(GpuBuilder &b, Grad &grad, AttentionProducts &products, Values &scores, Values *slopes,
                              Value firstRow, Value firstColumn, bool rowsAreQueries, bool masked,
                              llvm::function_ref<Value(int64_t)> logSumExp) {
  Precision precision = grad.q.layout.precision;
  int64_t n = static_cast<int64_t>(scores.size());
  Values caps(n);
  for (int64_t i = 0; i < n; ++i)
    scores[i] = scaleScore(b, precision, grad.shape, scores[i], &caps[i]);
  if (masked)
    maskScores(b, grad.shape, products, scores, firstRow, firstColumn, rowsAreQueries);
  for (int64_t i = 0; i < n; ++i) {
    scores[i] = power(b, precision, b.fma(scores[i], grad.shape.unit() * logOfE(precision), logSumExp(i)));
    if (!slopes)
      continue;
    Value slope = b.mul(scores[i], (*slopes)[i]);
    (*slopes)[i] = caps[i] ? b.mul(slope, caps[i]) : slope;
  }
}

static void planQueries(GpuPlan &plan, Grad &grad) {
  const AttentionShape &shape = grad.shape;
  const HeadLayout &layout = grad.q.layout;
  // Of q and dy. Slopes of capped scores take the few registers that wide heads leave.
  bool one = AttentionProducts::keepsFragments(layout) && !(layout.isWide() && shape.softcap);
  bool both = AttentionProducts::keepsFragments(layout, 2);
  AttentionCut largest = {mostWarps(layout, shape.sequence), /*columns=*/layout.isWide() ? 16 : 32, /*stages=*/2};
  AttentionCut cut = chooseCut(layout, /*owned=*/both ? 0 : one ? 1 : 2, /*walked=*/2, largest);
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run("queries", {shape.batch * shape.heads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value head = b.block(0), kvHead = b.div(head, shape.group());
    Value first = b.mul(b.sub(blocks - 1, b.block(1)), cut.rows()); // the longest first
    AttentionProducts products(b, layout, cut);
    Walked walked(b, layout, cut);
    OwnedRows q = products.own(layout.row(b, grad.q.head(b, head), first), one);
    OwnedRows dy = products.own(layout.row(b, grad.dy.head(b, head), first), both);
    Values logSumExp, slope; // slope: minus D
    for (int64_t half = 0; half < 2; ++half) {
      Value at = b.mul(b.add(first, products.row(half)), 2);
      Value terms = b.loadAligned(b.vec({}, 2), grad.termsOf(b, head), at);
      logSumExp.push_back(b.extract(terms, 0));
      slope.push_back(b.extract(terms, 1));
    }
    Walk walk = walkOverKeys(b, shape, cut, first, b.i64(shape.sequence));
    Values sums =
        walked.emit(walk, grad.keys.head(b, kvHead), grad.values.head(b, kvHead), Values(layout.padded / 2, b.f32(0)),
                    [&](Value key, bool masked, const HeadTile &keys, const HeadTile &values, ValueRange carried) {
                      Values slopes;
                      for (int64_t i = 0; i < cut.columns / 2; ++i)
                        slopes.push_back(slope[i % 4 / 2]);
                      Values scores = products.scores(products.zeros(), q, keys);
                      slopes = products.scores(slopes, dy, values);
                      emitProbabilities(b, grad, products, scores, &slopes, first, key, /*rowsAreQueries=*/true, masked,
                                        [&](int64_t i) { return logSumExp[i % 4 / 2]; });
                      return products.accumulate(carried, slopes, keys);
                    });
    Value dq = b.at(b.result(grad.op.getDq()), shape.rowOf(b, head, shape.heads));
    storeRows(b, products, sums, {shape.scale, shape.scale}, b.at(dq, b.mul(first, shape.features())), shape.features(),
              shape.width, b.min(b.sub(shape.sequence, first), cut.rows()));
  });
}

// Adds up dk, dv or both.
static void planKeys(GpuPlan &plan, Grad &grad, StringRef part, bool wantsDk, bool wantsDv) {
  const AttentionShape &shape = grad.shape;
  const HeadLayout &layout = grad.q.layout;
  // Keys; values as well would be too many, and so are wide keys next to what a loop over heads takes.
  bool inRegisters = AttentionProducts::keepsFragments(layout, wantsDk && shape.group() > 1 ? 2 : 1);
  int64_t owned = (inRegisters ? 0 : 1) + (wantsDk ? 1 : 0);
  int64_t columns = shape.width <= 32 ? 64 : layout.isWide() ? 16 : 32;
  AttentionCut cut = chooseCut(layout, owned, /*walked=*/2, {/*warps=*/4, columns, /*stages=*/2});
  int64_t blocks = ceilDiv(shape.sequence, cut.rows());
  plan.run(part, {shape.batch * shape.kvHeads, blocks}, cut.threads(), [&](GpuBuilder &b) {
    Value kvHead = b.block(0), first = b.mul(b.block(1), cut.rows()); // the first keys are seen by most queries
    AttentionProducts products(b, layout, cut);
    Walked walked(b, layout, cut);
    OwnedRows keys = products.own(layout.row(b, grad.keys.head(b, kvHead), first), inRegisters);
    OwnedRows values =
        wantsDk ? products.own(layout.row(b, grad.values.head(b, kvHead), first), /*inRegisters=*/false) : OwnedRows();

    int64_t each = layout.padded / 2;
    auto block = [&](Value terms, Value query, bool masked, const HeadTile &q, const HeadTile &dy,
                     ValueRange carried) -> Values {
      Values logSumExp, slopes; // of columns, each twice for the halves; slopes: minus D
      for (int64_t i = 0; i < cut.columns / 8; ++i) {
        Value at = b.mul(b.add(query, b.add(products.column(), i * 8)), 2);
        Value pair = b.loadAligned(b.vec({}, 4), terms, at);
        for (int64_t column : {0, 1, 0, 1}) {
          logSumExp.push_back(b.extract(pair, 2 * column));
          slopes.push_back(b.extract(pair, 2 * column + 1));
        }
      }
      Values scores = products.scores(products.zeros(), keys, q);
      if (wantsDk)
        slopes = products.scores(slopes, values, dy);
      emitProbabilities(b, grad, products, scores, wantsDk ? &slopes : nullptr, first, query,
                        /*rowsAreQueries=*/false, masked, [&](int64_t i) { return logSumExp[i]; });
      Values out;
      if (wantsDk)
        out = products.accumulate(carried.take_front(each), slopes, q);
      if (wantsDv)
        out.append(products.accumulate(carried.take_back(each), scores, dy, /*again=*/wantsDk));
      return out;
    };
    Walk walk = walkOverQueries(b, shape, cut, first);
    Values sums((wantsDk + wantsDv) * each, b.f32(0));
    sums = b.forLoop(0, shape.group(), 1, sums, [&](Value member, ValueRange carried) -> Values {
      Value head = b.add(b.mul(kvHead, shape.group()), member);
      if (shape.group() > 1 && cut.stages > 1)
        b.barrier(); // all are done with the last head's queries, as they are anyway at one stage
      return walked.emit(walk, grad.q.head(b, head), grad.dy.head(b, head), carried,
                         [&](Value query, bool masked, const HeadTile &q, const HeadTile &dy, ValueRange inner) {
                           return block(grad.termsOf(b, head), query, masked, q, dy, inner);
                         });
    });
    auto store = [&](Value result, ValueRange part, double factor) {
      Value target = b.at(b.result(result), shape.rowOf(b, kvHead, shape.kvHeads));
      storeRows(b, products, part, {factor, factor}, b.at(target, b.mul(first, shape.kvFeatures())), shape.kvFeatures(),
                shape.width, b.min(b.sub(shape.sequence, first), cut.rows()));
    };
    if (wantsDk)
      store(grad.op.getDk(), ValueRange(sums).take_front(each), shape.scale);
    if (wantsDv)
      store(grad.op.getDv(), ValueRange(sums).take_back(each), 1);
  });
}

static void planAttentionGrad(Operation *op, GpuPlan &plan) {
  auto attention = cast<AttentionGradOp>(op);
  AttentionShape shape(attention);
  auto panels =
      planHeadPanels(plan, shape.width, {attention.getQ(), attention.getK(), attention.getV(), attention.getDresult()});
  int64_t terms = plan.workspace(4 * 2 * shape.batch * shape.heads * panels[0].rows);
  Grad grad{attention, shape, panels[0], panels[1], panels[2], panels[3], terms};
  planRowTerms(plan, grad);
  // Registers: scores, slopes and sums of a lane are columns + (1 or 2) width / 2 numbers, fragments of owned rows up
  // to width / 2 more, of 255.
  if (shape.width <= 128) {
    planKeys(plan, grad, "keys", true, true);
  } else {
    planKeys(plan, grad, "keys", true, false);
    planKeys(plan, grad, "values", false, true);
  }
  planQueries(plan, grad);
}

ArrayRef<GpuKernel> qfa::gpuAttentionGradKernels() {
  static const GpuKernel kernels[] = {{AttentionGradOp::getOperationName(), planAttentionGrad}};
  return kernels;
}
