// Operators that compute, in double precision, and the shapes of those whose data a graph never needs before it runs.

#include "Evaluate.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace qfa::onnx;

/// Result 0 is fn of each element of input 0.
template <typename Fn>
static LogicalResult unary(Evaluation &e, HostTensor::Kind kind, Fn fn) {
  const HostTensor &x = e.in(0);
  e.out() = HostTensor(kind, x.shape);
  if (x.known && e.out().allocate())
    for (size_t i = 0; i < x.words.size(); ++i)
      fn(e.out(), x, i);
  return success();
}

template <double (*fn)(double)>
static LogicalResult unaryFloat(Evaluation &e) {
  return unary(e, e.in(0).kind, [](HostTensor &y, const HostTensor &x, size_t i) { y.set(i, fn(x.number(i))); });
}

static double negate(double x) { return -x; }
static double reciprocal(double x) { return 1 / x; }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

static LogicalResult evaluateNot(Evaluation &e) {
  return unary(e, HostTensor::Bool, [](HostTensor &y, const HostTensor &x, size_t i) { y.words[i] = !x.words[i]; });
}

static LogicalResult evaluateIsNaN(Evaluation &e) {
  return unary(e, HostTensor::Bool,
               [](HostTensor &y, const HostTensor &x, size_t i) { y.words[i] = std::isnan(x.number(i)); });
}

/// Result 0 is fn(a, b) with broadcasting.
template <typename Fn>
static LogicalResult binary(Evaluation &e, const HostTensor &a, const HostTensor &b, HostTensor::Kind kind, Fn fn) {
  HostTensor y(kind, {});
  SmallVector<int64_t> shape;
  if (!broadcastShapes(a.shape, b.shape, shape))
    return failure();
  y.shape.assign(shape.begin(), shape.end());
  LogicalResult result = success();
  if (a.known && b.known && y.allocate()) {
    SmallVector<int64_t> indices(y.words.size());
    forEachIndex(shape, broadcastStrides(a.shape, shape), 0, [&](int64_t i, int64_t j) { indices[i] = j; });
    forEachIndex(shape, broadcastStrides(b.shape, shape), 0, [&](int64_t i, int64_t j) {
      if (failed(fn(y, i, a, indices[i], b, j)))
        result = failure();
    });
  }
  e.out() = std::move(y);
  return result;
}

template <typename FloatFn, typename IntFn>
static LogicalResult arithmetic(Evaluation &e, const HostTensor &a, const HostTensor &b, FloatFn floatFn, IntFn intFn) {
  return binary(e, a, b, a.kind,
                [&](HostTensor &y, size_t i, const HostTensor &a, size_t j, const HostTensor &b, size_t k) {
                  if (a.kind == HostTensor::Float) {
                    y.set(i, floatFn(a.number(j), b.number(k)));
                    return success();
                  }
                  std::optional<int64_t> value = intFn(a.integer(j), b.integer(k));
                  y.setInteger(i, value.value_or(0));
                  return success(value.has_value());
                });
}

// Integer arithmetic wraps, as the operators do; in unsigned so that it may.
static LogicalResult evaluateArithmetic(Evaluation &e) {
  const HostTensor &a = e.in(0), &b = e.in(1);
  using U = uint64_t;
  StringRef type = e.node.getType();
  if (type == "Add")
    return arithmetic(e, a, b, std::plus<double>(), [](U x, U y) { return std::optional<int64_t>(x + y); });
  if (type == "Sub")
    return arithmetic(e, a, b, std::minus<double>(), [](U x, U y) { return std::optional<int64_t>(x - y); });
  if (type == "Mul")
    return arithmetic(e, a, b, std::multiplies<double>(), [](U x, U y) { return std::optional<int64_t>(x * y); });
  if (type == "Div")
    return arithmetic(e, a, b, std::divides<double>(), [](int64_t x, int64_t y) -> std::optional<int64_t> {
      if (y == 0 || (x == INT64_MIN && y == -1))
        return std::nullopt;
      return x / y;
    });
  bool fmod = e.node.getInt("fmod", 0);
  return arithmetic(
      e, a, b, [](double x, double y) { return std::fmod(x, y); },
      [=](int64_t x, int64_t y) -> std::optional<int64_t> {
        if (y == 0 || y == -1)
          return y ? std::optional<int64_t>(0) : std::nullopt;
        int64_t rest = x % y;
        return !fmod && rest && (rest < 0) != (y < 0) ? rest + y : rest;
      });
}

static LogicalResult evaluatePow(Evaluation &e) {
  return binary(e, e.in(0), e.in(1), e.in(0).kind,
                [](HostTensor &y, size_t i, const HostTensor &a, size_t j, const HostTensor &b, size_t k) {
                  y.set(i, std::pow(a.number(j), b.number(k)));
                  return success();
                });
}

static LogicalResult evaluateMinMax(Evaluation &e) {
  bool max = e.node.getType() == "Max";
  HostTensor sum = e.in(0);
  for (unsigned i = 1; i < e.inputs.size(); ++i) {
    if (!e.has(i) ||
        failed(arithmetic(
            e, sum, e.in(i), [=](double x, double y) { return max ? std::max(x, y) : std::min(x, y); },
            [=](int64_t x, int64_t y) { return std::optional<int64_t>(max ? std::max(x, y) : std::min(x, y)); })))
      return failure();
    sum = e.out();
  }
  e.out() = std::move(sum);
  return success();
}

template <typename Fn>
static LogicalResult compare(Evaluation &e, Fn fn) {
  return binary(e, e.in(0), e.in(1), HostTensor::Bool,
                [&](HostTensor &y, size_t i, const HostTensor &a, size_t j, const HostTensor &b, size_t k) {
                  y.words[i] =
                      a.kind == HostTensor::Float ? fn(a.number(j), b.number(k)) : fn(a.integer(j), b.integer(k));
                  return success();
                });
}

static LogicalResult evaluateCompare(Evaluation &e) {
  StringRef type = e.node.getType();
  if (type == "Equal")
    return compare(e, [](auto x, auto y) { return x == y; });
  if (type == "Less")
    return compare(e, [](auto x, auto y) { return x < y; });
  if (type == "LessOrEqual")
    return compare(e, [](auto x, auto y) { return x <= y; });
  if (type == "Greater")
    return compare(e, [](auto x, auto y) { return x > y; });
  if (type == "GreaterOrEqual")
    return compare(e, [](auto x, auto y) { return x >= y; });
  if (type == "And")
    return compare(e, [](auto x, auto y) { return x != 0 && y != 0; });
  if (type == "Or")
    return compare(e, [](auto x, auto y) { return x != 0 || y != 0; });
  return compare(e, [](auto x, auto y) { return (x != 0) != (y != 0); });
}

static LogicalResult evaluateWhere(Evaluation &e) {
  const HostTensor &condition = e.in(0), &a = e.in(1), &b = e.in(2);
  SmallVector<int64_t> values, shape;
  if (!broadcastShapes(a.shape, b.shape, values) || !broadcastShapes(values, condition.shape, shape))
    return failure();
  HostTensor &y = e.out();
  y = HostTensor(a.kind, shape);
  if (!e.allKnown() || !y.allocate())
    return success();
  std::vector<int64_t> fromA(y.words.size()), fromB(y.words.size());
  forEachIndex(shape, broadcastStrides(a.shape, shape), 0, [&](int64_t i, int64_t j) { fromA[i] = j; });
  forEachIndex(shape, broadcastStrides(b.shape, shape), 0, [&](int64_t i, int64_t j) { fromB[i] = j; });
  forEachIndex(shape, broadcastStrides(condition.shape, shape), 0,
               [&](int64_t i, int64_t j) { y.words[i] = condition.words[j] ? a.words[fromA[i]] : b.words[fromB[i]]; });
  return success();
}

static LogicalResult evaluateRange(Evaluation &e) {
  if (!e.allKnown())
    return failure(); // the length is data
  double start = e.in(0).number(0), limit = e.in(1).number(0), delta = e.in(2).number(0);
  if (delta == 0)
    return failure();
  double count = std::max(0.0, std::ceil((limit - start) / delta));
  if (!(count <= 1 << 22))
    return failure();
  e.out() = HostTensor(e.in(0).kind, {int64_t(count)});
  e.out().allocate();
  for (int64_t i = 0; i < int64_t(count); ++i)
    e.out().set(i, start + i * delta);
  return success();
}

static LogicalResult evaluateConstantOfShape(Evaluation &e) {
  auto shape = e.integers(0, "");
  if (!shape)
    return failure();
  HostTensor &y = e.out();
  y = HostTensor(HostTensor::Float, *shape);
  auto value =
      e.node.getSettings() ? dyn_cast_or_null<ElementsAttr>(e.node.getSettings()->get("value")) : ElementsAttr();
  HostTensor fill = value ? HostTensor::fromAttribute(value) : HostTensor();
  if (value && fill.size() != 1)
    return failure();
  y.kind = fill.kind;
  if (y.allocate())
    std::fill(y.words.begin(), y.words.end(), value ? fill.words[0] : 0);
  return success();
}

static LogicalResult evaluateCumSum(Evaluation &e) {
  const HostTensor &x = e.in(0);
  HostTensor &y = e.out();
  y = HostTensor(x.kind, x.shape);
  if (!e.allKnown() || !y.allocate())
    return success();
  int64_t axis = e.in(1).integer(0);
  axis += axis < 0 ? x.rank() : 0;
  if (axis < 0 || axis >= x.rank())
    return failure();
  int64_t stride = stridesOf(x.shape)[axis], dim = x.shape[axis];
  bool exclusive = e.node.getInt("exclusive", 0), reverse = e.node.getInt("reverse", 0);
  for (int64_t i = 0; i < int64_t(x.words.size()); ++i) {
    int64_t at = i / stride % dim;
    int64_t first = reverse ? at + exclusive : 0, last = reverse ? dim : at + !exclusive;
    double sum = 0;
    for (int64_t j = first; j < last; ++j)
      sum += x.number(i + (j - at) * stride);
    y.set(i, sum);
  }
  return success();
}

static LogicalResult evaluateReduce(Evaluation &e) {
  const HostTensor &x = e.in(0);
  StringRef type = e.node.getType();
  SmallVector<int64_t> axes;
  if (e.has(1) || e.node.getInts("axes")) {
    auto given = e.integers(1, "axes");
    if (!given)
      return failure();
    axes = *given;
  }
  if (axes.empty() && e.node.getInt("noop_with_empty_axes", 0)) {
    e.out() = x;
    return success();
  }
  SmallVector<bool> reduced(x.rank(), axes.empty());
  for (int64_t axis : axes) {
    axis += axis < 0 ? x.rank() : 0;
    if (axis < 0 || axis >= x.rank())
      return failure();
    reduced[axis] = true;
  }
  SmallVector<int64_t> kept, shape;
  for (int64_t d = 0; d < x.rank(); ++d) {
    kept.push_back(reduced[d] ? 1 : x.shape[d]);
    if (!reduced[d] || e.node.getInt("keepdims", 1))
      shape.push_back(kept.back());
  }
  HostTensor y(x.kind, kept);
  if (x.known && y.allocate()) {
    std::vector<double> sums(y.words.size(), type == "ReduceMax" ? -INFINITY : type == "ReduceMin" ? INFINITY : 0);
    forEachIndex(x.shape, broadcastStrides(kept, x.shape), 0, [&](int64_t i, int64_t j) {
      double value = x.number(i);
      sums[j] = type == "ReduceMax"   ? std::max(sums[j], value)
                : type == "ReduceMin" ? std::min(sums[j], value)
                                      : sums[j] + value;
    });
    for (size_t i = 0; i < sums.size(); ++i)
      y.set(i, type == "ReduceMean" ? sums[i] * double(sums.size()) / double(x.words.size()) : sums[i]);
  }
  y.shape.assign(shape.begin(), shape.end());
  e.out() = std::move(y);
  return success();
}

static LogicalResult evaluateMatMul(Evaluation &e) {
  const HostTensor &a = e.in(0), &b = e.in(1);
  if (a.rank() < 2 || b.rank() < 2 || a.shape.back() != b.shape[b.rank() - 2])
    return failure();
  int64_t rows = a.shape[a.rank() - 2], inner = a.shape.back(), columns = b.shape.back();
  ArrayRef<int64_t> batchA = ArrayRef<int64_t>(a.shape).drop_back(2), batchB = ArrayRef<int64_t>(b.shape).drop_back(2);
  SmallVector<int64_t> batch;
  if (!broadcastShapes(batchA, batchB, batch))
    return failure();
  HostTensor y(a.kind, batch);
  y.shape.append({rows, columns});
  if (a.known && b.known && y.allocate()) {
    SmallVector<int64_t> indices;
    forEachIndex(batch, broadcastStrides(batchA, batch), 0, [&](int64_t, int64_t j) { indices.push_back(j); });
    forEachIndex(batch, broadcastStrides(batchB, batch), 0, [&](int64_t i, int64_t j) {
      for (int64_t cell = 0; cell < rows * columns; ++cell) {
        double sum = 0;
        for (int64_t k = 0; k < inner; ++k)
          sum += a.number((indices[i] * rows + cell / columns) * inner + k) *
                 b.number((j * inner + k) * columns + cell % columns);
        y.set(i * rows * columns + cell, sum);
      }
    });
  }
  e.out() = std::move(y);
  return success();
}

/// The shape of Gemm: [rows of op(A), columns of op(B)].
static LogicalResult evaluateGemm(Evaluation &e) {
  if (e.in(0).rank() != 2 || e.in(1).rank() != 2)
    return failure();
  e.out() = HostTensor(HostTensor::Float, {e.in(0).shape[e.node.getInt("transA", 0) ? 1 : 0],
                                           e.in(1).shape[e.node.getInt("transB", 0) ? 0 : 1]});
  return success();
}

/// Element by element or row by row: the first result has the shape of the first input.
static LogicalResult sameShape(Evaluation &e) {
  e.out() = HostTensor(e.in(0).kind, e.in(0).shape);
  return success();
}

/// Attention: the queries' shape with the width of the values. Caches are not modelled.
static LogicalResult evaluateAttention(Evaluation &e) {
  const HostTensor &q = e.in(0), &v = e.in(2);
  if (q.rank() != v.rank() || (q.rank() != 3 && q.rank() != 4))
    return failure();
  e.out() = HostTensor(HostTensor::Float, q.shape);
  int64_t heads = e.node.getInt("q_num_heads", 1), kvHeads = e.node.getInt("kv_num_heads", heads);
  if (kvHeads <= 0)
    return failure();
  e.out().shape.back() = q.rank() == 4 ? v.shape.back() : v.shape.back() / kvHeads * heads;
  return success();
}

EvaluateFn qfa::onnx::findMathEvaluator(StringRef type) {
  return llvm::StringSwitch<EvaluateFn>(type)
      .Case("Neg", unaryFloat<negate>)
      .Case("Reciprocal", unaryFloat<reciprocal>)
      .Case("Sigmoid", unaryFloat<sigmoid>)
      .Case("Sqrt", unaryFloat<std::sqrt>)
      .Case("Exp", unaryFloat<std::exp>)
      .Case("Log", unaryFloat<std::log>)
      .Case("Cos", unaryFloat<std::cos>)
      .Case("Sin", unaryFloat<std::sin>)
      .Case("Tanh", unaryFloat<std::tanh>)
      .Case("Erf", unaryFloat<std::erf>)
      .Case("Abs", unaryFloat<std::fabs>)
      .Case("Floor", unaryFloat<std::floor>)
      .Case("Ceil", unaryFloat<std::ceil>)
      .Case("Not", evaluateNot)
      .Case("IsNaN", evaluateIsNaN)
      .Cases({"Add", "Sub", "Mul", "Div", "Mod"}, evaluateArithmetic)
      .Case("Pow", evaluatePow)
      .Cases({"Max", "Min"}, evaluateMinMax)
      .Cases({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"}, evaluateCompare)
      .Case("Where", evaluateWhere)
      .Case("Range", evaluateRange)
      .Case("ConstantOfShape", evaluateConstantOfShape)
      .Case("CumSum", evaluateCumSum)
      .Cases({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"}, evaluateReduce)
      .Case("MatMul", evaluateMatMul)
      .Case("Gemm", evaluateGemm)
      .Cases({"Softmax", "Gelu", "Swish", "RMSNormalization", "LayerNormalization", "RotaryEmbedding"}, sameShape)
      .Case("Attention", evaluateAttention)
      .Default(nullptr);
}
