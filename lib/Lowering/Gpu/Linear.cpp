// qfa.linear and what its backward and its adapter need, all of them products of panels.
#include "LinearDecode.h"
#include "Panels.h"

using namespace mlir;
using namespace qfa;

static int64_t rowsOf(Value weight) {
  if (auto elastic = dyn_cast<ElasticType>(weight.getType()))
    return elastic.getOut();
  return cast<RankedTensorType>(weight.getType()).getDimSize(0);
}

// y = [x | adapter] [W | B]^T
static void planLinear(Operation *op, GpuPlan &plan) {
  auto linear = cast<LinearOp>(op);
  if (isLinearDecode(linear))
    return planLinearDecode(linear, plan);
  int64_t tokens = tokensOf(linear.getX()), in = featuresOf(linear.getX()), out = featuresOf(linear.getResult());
  auto x = [&](GpuBuilder &b) { return b.operand(linear.getX()); };
  auto adapter = [&](GpuBuilder &b) { return b.operand(linear.getAdapter()); };
  SmallVector<PanelSource> sources = {{x, in, 0}};
  int64_t rank = linear.getAdapter() ? featuresOf(linear.getAdapter()) : 0;
  if (rank)
    sources.push_back({adapter, rank, 0});
  Panel activations = planCast(plan, "cast", tokens, sources), weight = planWeight(plan, "weight", linear.getWeight());
  planGemm(
      plan, "product", {tokens, out, in + rank}, activations, weight,
      [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
        storeValues(b, values, b.result(linear.getResult()), b.add(b.mul(row, out), column), out % 2 == 0);
      },
      StoredMatrix{plan.pointer(linear.getResult()), out, out});
}

// [dx | dadapter] = dy [W | B]
static void planLinearGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<LinearGradOp>(op);
  int64_t tokens = tokensOf(grad.getDy()), in = featuresOf(grad.getDx()), out = rowsOf(grad.getWeight());
  int64_t rank = grad.getDadapter() ? featuresOf(grad.getDadapter()) : 0;
  auto dy = [&](GpuBuilder &b) { return b.operand(grad.getDy()); };
  Panel cotangents = planCast(plan, "cast", tokens, {{dy, out, 0}});
  Panel weight = transposed(planWeight(plan, "weight", grad.getWeight()));
  SmallVector<StoredMatrix> stored = {{plan.pointer(grad.getDx()), in, in}};
  if (grad.getAddend())
    stored[0].addend = plan.pointer(grad.getAddend());
  if (rank)
    stored.push_back({plan.pointer(grad.getDadapter()), rank, rank, /*first=*/in});
  planGemm(
      plan, "product", {tokens, in + rank, out}, cotangents, weight,
      [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
        for (auto [i, value] : llvm::enumerate(values)) {
          Value at = b.add(column, static_cast<int64_t>(i));
          auto toInput = [&] {
            Value place = b.add(b.mul(row, in), at);
            Value sum = grad.getAddend() ? b.add(value, b.loadF32(b.operand(grad.getAddend()), place)) : value;
            b.store(sum, b.result(grad.getDx()), place);
          };
          if (rank)
            b.ifThen(b.less(at, in), toInput,
                     [&] { b.store(value, b.result(grad.getDadapter()), b.add(b.mul(row, rank), b.sub(at, in))); });
          else
            toInput();
        }
      },
      stored);
}

// into += scale * the sum of `parts` matrices [m, n] at this offset of the workspace
static void planSumOfParts(GpuPlan &plan, Value into, int64_t elements, int64_t sums, int64_t parts, double scale) {
  plan.run("sum", {blocksFor(elements)}, kThreads, [&](GpuBuilder &b) {
    b.forGrid(elements, [&](Value i) {
      Value sum = b.loadF32(b.workspace(sums), i);
      for (int64_t part = 1; part < parts; ++part)
        sum = b.add(sum, b.loadF32(b.workspace(sums), b.add(i, part * elements)));
      b.store(b.fma(sum, b.f32(scale), b.loadF32(b.operand(into), i)), b.operand(into), i);
    });
  });
}

// into += scale * left^T right. The inner size is the number of tokens, and an adapter's gradient is small: parts of
// the tokens then have blocks of their own, and are added in a fixed order.
static void planAccumulateOuter(Operation *op, GpuPlan &plan) {
  auto outer = cast<AccumulateOuterOp>(op);
  int64_t tokens = tokensOf(outer.getLeft()), m = featuresOf(outer.getLeft()), n = featuresOf(outer.getRight());
  auto left = [&](GpuBuilder &b) { return b.operand(outer.getLeft()); };
  auto right = [&](GpuBuilder &b) { return b.operand(outer.getRight()); };
  Panel a = transposed(planCast(plan, "left", tokens, {{left, m, 0}}));
  Panel c = transposed(planCast(plan, "right", tokens, {{right, n, 0}}));
  double scale = outer.getScale().convertToDouble();
  if (int64_t parts = chooseParts(plan, {m, n, tokens}); parts > 1) {
    int64_t sums = plan.workspace(4 * parts * m * n);
    plan.launch(gemmLaunch(
        plan, "product", {m, n, tokens}, a, c,
        [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
          Value at = b.add(b.mul(b.add(b.mul(b.block(2), m), row), n), column);
          storeValues(b, values, b.workspace(sums), at, n % 2 == 0);
        },
        {}, parts));
    return planSumOfParts(plan, outer.getInto(), m * n, sums, parts, scale);
  }
  StoredMatrix stored{plan.pointer(outer.getInto()), n, n};
  stored.scale = scale;
  stored.addend = stored.result;
  planGemm(
      plan, "product", {m, n, tokens}, a, c,
      [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
        Value into = b.at(b.operand(outer.getInto()), b.add(b.mul(row, n), column));
        for (auto [i, value] : llvm::enumerate(values)) {
          auto at = static_cast<int64_t>(i);
          b.store(b.add(b.loadF32(into, at), b.mul(value, scale)), into, at);
        }
      },
      stored);
}

// result = scale * product, [.., n]
static void planScaled(GpuPlan &plan, GemmSize size, Panel a, Panel c, Value result, double scale) {
  StoredMatrix stored{plan.pointer(result), size.n, size.n};
  stored.scale = scale;
  planGemm(
      plan, "product", size, a, c,
      [&](GpuBuilder &b, Value row, Value column, ValueRange values) {
        Values scaled;
        for (Value value : values)
          scaled.push_back(b.mul(value, scale));
        storeValues(b, scaled, b.result(result), b.add(b.mul(row, size.n), column), size.n % 2 == 0);
      },
      stored);
}

// result = scale * u A^T
static void planAdapterDown(Operation *op, GpuPlan &plan) {
  auto down = cast<AdapterDownOp>(op);
  int64_t tokens = tokensOf(down.getU()), groups = featuresOf(down.getU()), rank = featuresOf(down.getResult());
  auto u = [&](GpuBuilder &b) { return b.operand(down.getU()); };
  auto matrix = [&](GpuBuilder &b) { return b.site(down.getWeight()).adapterA; };
  Panel a = planCast(plan, "cast", tokens, {{u, groups, 0}}),
        c = planCast(plan, "adapter", rank, {{matrix, groups, 0}});
  planScaled(plan, {tokens, rank, groups}, a, c, down.getResult(), down.getScale().convertToDouble());
}

// result = scale * dy A
static void planAdapterDownGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<AdapterDownGradOp>(op);
  int64_t tokens = tokensOf(grad.getDy()), rank = featuresOf(grad.getDy()), groups = featuresOf(grad.getResult());
  auto dy = [&](GpuBuilder &b) { return b.operand(grad.getDy()); };
  auto matrix = [&](GpuBuilder &b) { return b.site(grad.getWeight()).adapterA; };
  Panel a = planCast(plan, "cast", tokens, {{dy, rank, 0}});
  Panel c = transposed(planCast(plan, "adapter", rank, {{matrix, groups, 0}}));
  planScaled(plan, {tokens, groups, rank}, a, c, grad.getResult(), grad.getScale().convertToDouble());
}

ArrayRef<GpuKernel> qfa::gpuLinearKernels() {
  static const GpuKernel kernels[] = {
      {LinearOp::getOperationName(), planLinear},
      {LinearGradOp::getOperationName(), planLinearGrad},
      {AccumulateOuterOp::getOperationName(), planAccumulateOuter},
      {AdapterDownOp::getOperationName(), planAdapterDown},
      {AdapterDownGradOp::getOperationName(), planAdapterDownGrad},
  };
  return kernels;
}
