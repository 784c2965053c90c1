// qfa.cross_entropy and the gradient of its head: the vocabulary is walked in chunks whose logits fit in the workspace.
//
// The loss and the gradient of h come from one walk with a running maximum per token, as docs/Rationale.md says: a
// chunk's logits become e = exp(logit - maximum), which are the left factor of the product with the chunk's weights;
// that product is added to a gradient that shrinks as the maximum grows. The division by the sum, and the label's
// weight, come last.
#include "Codes.h"
#include "Panels.h"

using namespace mlir;
using namespace qfa;

// So many rows of the head that the logits take at most 128 MiB (unless there are very many tokens).
static int64_t chunkRows(int64_t tokens, int64_t vocabulary) {
  constexpr int64_t logits = int64_t{1} << 25;
  int64_t rows = std::clamp<int64_t>(logits / tokens / kPanelAlign * kPanelAlign, 4 * kPanelAlign, 4096);
  return std::min(rows, roundUp(vocabulary, kPanelAlign));
}

namespace {
class CrossEntropyPlan {
public:
  CrossEntropyPlan(CrossEntropyOp op, GpuPlan &plan)
      : op(op), plan(plan), tokens(tokensOf(op.getH())), features(featuresOf(op.getH())) {
    auto elastic = dyn_cast<ElasticType>(op.getWeight().getType());
    vocabulary = elastic ? elastic.getOut() : cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
    chunk = chunkRows(tokens, vocabulary);
    for (int64_t *state : {&maxima, &sums, &shrinks, &picked})
      *state = plan.workspace(tokens * 4);
  }

  void make() {
    Panel h = planCast(plan, "cast", tokens, {{[&](GpuBuilder &b) { return b.operand(op.getH()); }, features, 0}});
    WeightPart weight = weightPart(plan, "weight", op.getWeight(), chunk);
    logits = plan.workspace(tokens * chunk * 4);
    StoredMatrix stored{plan.workspacePointer(), chunk, chunk};
    stored.offset = logits / 4;
    GpuPlan::Launch product = gemmLaunch(
        plan, "logits", {tokens, chunk, features}, h, weight.panel,
        [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
          Value at = b.add(b.mul(row, chunk), column);
          storeValues(b, values, b.workspace(logits), at, /*aligned=*/true);
        },
        stored);
    if (op.getGradient())
      exponentials = makePanel(plan, tokens, chunk);
    std::string softmax = plan.function("softmax", kThreads, [&](GpuBuilder &b) { emitSoftmax(b); });
    GpuPlan::Launch gradient = op.getGradient() ? gradientLaunch(transposed(weight.panel)) : GpuPlan::Launch();
    for (int64_t i = 0; i < ceilDiv(vocabulary, chunk); ++i) {
      plan.launch(weight.name, weight.grid, weight.threads, i);
      plan.launch(product, i);
      plan.launch(softmax, {op.getGradient() ? exponentials.rows : tokens}, kThreads, i);
      if (op.getGradient())
        plan.launch(gradient, i);
    }
    plan.run("results", {tokens}, kThreads, [&](GpuBuilder &b) { emitResults(b); });
  }

private:
  // A block has a token, or a row of padding.
  void emitSoftmax(GpuBuilder &b) {
    b.ifThen(
        b.less(b.block(), tokens), [&] { emitToken(b); },
        [&] { b.forThreads(chunk, [&](Value v) { storeExponential(b, b.f32(0), v); }); });
  }

  void emitToken(GpuBuilder &b) {
    Value token = b.block(), row = b.at(b.workspace(logits), b.mul(token, chunk)), isFirst = b.equal(b.argument(), 0);
    Value first = b.mul(b.argument(), chunk), count = b.min(b.sub(b.i64(vocabulary), first), chunk);
    // What the chunks before left.
    Values old = b.ifElse(
        isFirst, {b.f32(), b.f32(), b.f32()},
        [&]() -> Values { return {b.f32(-std::numeric_limits<double>::infinity()), b.f32(0), b.f32(0)}; },
        [&]() -> Values { return {state(b, maxima), state(b, sums), state(b, picked)}; });
    Value maximum = b.forLoop(b.thread(), count, b.threads, old[0], [&](Value v, ValueRange carried) -> Values {
      return {b.max(b.loadF32(row, v), carried[0])};
    })[0];
    maximum = b.reduceBlock(Reduction::max, maximum);
    Value sum = b.forLoop(b.thread(), chunk, b.threads, b.f32(0), [&](Value v, ValueRange carried) -> Values {
      Value e = b.select(b.less(v, count), b.exp(b.sub(b.loadF32(row, v), maximum)), 0.0);
      storeExponential(b, e, v);
      return {b.add(carried[0], e)};
    })[0];
    sum = b.reduceBlock(Reduction::sum, sum);
    b.ifThen(b.equal(b.thread(), 0), [&] {
      Value label = b.sub(loadLabel(b, op.getLabels(), token), first), shrink = b.exp(b.sub(old[0], maximum));
      Value here = b.bitAnd(b.lessEqual(0, label), b.less(label, count));
      Value logit = b.ifElse(
          here, b.f32(), [&]() -> Values { return {b.loadF32(row, label)}; }, [&]() -> Values { return {old[2]}; })[0];
      b.store(maximum, b.workspace(maxima), token);
      b.store(shrink, b.workspace(shrinks), token);
      b.store(b.fma(old[1], shrink, sum), b.workspace(sums), token);
      b.store(logit, b.workspace(picked), token);
    });
  }

  void storeExponential(GpuBuilder &b, Value e, Value v) {
    if (op.getGradient())
      storeFactors(b, plan.precision, {e}, panelRow(b, plan.precision, exponentials, b.block()), v);
  }

  // gradient = shrink * gradient + e W, of the chunk's part of the vocabulary
  GpuPlan::Launch gradientLaunch(Panel weight) {
    return gemmLaunch(
        plan, "gradient", {tokens, features, chunk}, exponentials, weight,
        [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
          Value gradient = b.result(op.getGradient()), at = b.add(b.mul(row, features), column);
          auto added = [&]() -> Values {
            Value shrink = b.loadF32(b.workspace(shrinks), row);
            Values sums;
            for (auto [i, value] : llvm::enumerate(values))
              sums.push_back(b.fma(b.loadF32(gradient, b.add(at, static_cast<int64_t>(i))), shrink, value));
            return sums;
          };
          Values sums = b.ifElse(b.equal(b.argument(), 0), values.getTypes(), [&] { return Values(values); }, added);
          storeValues(b, sums, gradient, at, features % 2 == 0);
        });
  }

  void emitResults(GpuBuilder &b) {
    Value token = b.block(), label = loadLabel(b, op.getLabels(), token), counts = b.lessEqual(0, label);
    Value maximum = state(b, maxima), sum = state(b, sums);
    b.ifThen(b.equal(b.thread(), 0), [&] {
      Value logSum = b.log(sum);
      b.store(b.add(maximum, logSum), b.result(op.getLogSumExp()), token);
      // Not by way of log_sum_exp, in which a small loss would drown.
      Value loss = b.add(b.sub(maximum, state(b, picked)), logSum);
      b.store(b.select(counts, loss, 0.0), b.result(op.getLoss()), token);
    });
    if (!op.getGradient())
      return;
    Value gradient = b.at(b.result(op.getGradient()), b.mul(token, features)), factor = b.div(1.0, sum);
    b.ifThen(
        counts,
        [&] {
          b.forThreads(features, [&](Value k) {
            withWeight(b, op.getWeight(), label, k, [&](Value w) {
              // Rounded as in the product: a sure token's gradient is the difference of two nearly equal numbers.
              Value factorOfLabel = plan.precision == Precision::bf16 ? b.fromBf16(b.toBf16(w)) : w;
              b.store(b.sub(b.mul(b.loadF32(gradient, k), factor), factorOfLabel), gradient, k);
            });
          });
        },
        [&] { b.forThreads(features, [&](Value k) { b.store(b.f32(0), gradient, k); }); });
  }

  static Value loadLabel(GpuBuilder &b, Value labels, Value token) {
    return b.toI64(b.load(b.getI32Type(), b.operand(labels), token));
  }
  Value state(GpuBuilder &b, int64_t offset) { return b.loadF32(b.workspace(offset), b.block()); }

  CrossEntropyOp op;
  GpuPlan &plan;
  int64_t tokens, features, vocabulary, chunk;
  int64_t maxima, sums, shrinks, picked; // [tokens] of the workspace
  int64_t logits = 0;                    // [tokens, chunk]
  Panel exponentials;                    // [tokens, chunk]
};
} // namespace

static void planCrossEntropy(Operation *op, GpuPlan &plan) { CrossEntropyPlan(cast<CrossEntropyOp>(op), plan).make(); }

// A chunk's logits once more, as probabilities by the log-sum-exp of each token: the left factor of a sum of outer
// products with h.
static void planCrossEntropyWeightGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<CrossEntropyWeightGradOp>(op);
  int64_t tokens = tokensOf(grad.getH()), features = featuresOf(grad.getH());
  int64_t vocabulary = grad.getInto().getType().getShape()[0], chunk = chunkRows(tokens, vocabulary);
  Panel h = planCast(plan, "cast", tokens, {{[&](GpuBuilder &b) { return b.operand(grad.getH()); }, features, 0}});
  WeightPart weight = weightPart(plan, "weight", grad.getWeight(), chunk);
  Panel probabilities = makePanel(plan, tokens, chunk);
  // All rows of the panel: those behind the last token are factors of the second product.
  GpuPlan::Launch product =
      gemmLaunch(plan, "probabilities", {h.rows, chunk, features}, h, weight.panel,
                 [&](GpuBuilder &b, Value row, Value column, ValueRange logits) {
                   Value token = b.min(row, tokens - 1);
                   Value label = b.toI64(b.load(b.getI32Type(), b.operand(grad.getLabels()), token));
                   Value lse = b.loadF32(b.operand(grad.getLogSumExp()), token);
                   Value counts = b.bitAnd(b.less(row, tokens), b.lessEqual(0, label));
                   Value hot = b.sub(label, b.mul(b.argument(), chunk));
                   Values values;
                   for (auto [i, logit] : llvm::enumerate(logits)) {
                     Value isLabel = b.equal(b.add(column, static_cast<int64_t>(i)), hot);
                     Value p = b.sub(b.exp(b.sub(logit, lse)), b.select(isLabel, b.f32(1), 0.0));
                     values.push_back(b.select(counts, p, 0.0));
                   }
                   storeFactors(b, plan.precision, values, panelRow(b, plan.precision, probabilities, row), column);
                 });
  StoredMatrix stored{plan.pointer(grad.getInto()), features, features};
  stored.addend = stored.result;
  GpuPlan::Launch outer = gemmLaunch(
      plan, "outer", {chunk, features, tokens}, transposed(probabilities), transposed(h),
      [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
        Value v = b.add(b.mul(b.argument(), chunk), row);
        Value into = b.at(b.operand(grad.getInto()), b.add(b.mul(v, features), column));
        b.ifThen(b.less(v, vocabulary), [&] {
          for (auto [i, value] : llvm::enumerate(values))
            b.store(b.add(b.loadF32(into, static_cast<int64_t>(i)), value), into, static_cast<int64_t>(i));
        });
      },
      stored);
  for (int64_t i = 0; i < ceilDiv(vocabulary, chunk); ++i) {
    plan.launch(weight.name, weight.grid, weight.threads, i);
    plan.launch(product, i);
    outer.products[0].m = std::min(chunk, vocabulary - i * chunk);
    outer.products[0].offset = i * chunk * features;
    plan.launch(outer, i);
  }
}

ArrayRef<GpuKernel> qfa::gpuCrossEntropyKernels() {
  static const GpuKernel kernels[] = {
      {CrossEntropyOp::getOperationName(), planCrossEntropy},
      {CrossEntropyWeightGradOp::getOperationName(), planCrossEntropyWeightGrad},
  };
  return kernels;
}
