// Operators that move elements without computing: each is a result shape and, for known data, an index into the input.

#include "Evaluate.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace qfa::onnx;

static LogicalResult normalizeAxis(int64_t &axis, int64_t rank) {
  if (axis < 0)
    axis += rank;
  return success(axis >= 0 && axis < rank);
}

/// Result 0 has `shape` and reads `x` by strides.
static LogicalResult readByStrides(Evaluation &e, const HostTensor &x, ArrayRef<int64_t> shape,
                                   ArrayRef<int64_t> strides, int64_t start = 0) {
  HostTensor &y = e.out();
  y.kind = x.kind;
  y.shape.assign(shape.begin(), shape.end());
  if (!x.known)
    return success();
  if (!y.allocate())
    return success();
  forEachIndex(shape, strides, start, [&](int64_t position, int64_t index) { y.words[position] = x.words[index]; });
  return success();
}

/// Result 0 holds the elements of `x` in the same order.
static LogicalResult sameElements(Evaluation &e, const HostTensor &x, ArrayRef<int64_t> shape) {
  HostTensor &y = e.out();
  y.kind = x.kind;
  y.shape.assign(shape.begin(), shape.end());
  y.known = x.known;
  y.words = x.words;
  return success(y.size() == x.size());
}

static LogicalResult evaluateIdentity(Evaluation &e) { return sameElements(e, e.in(0), e.in(0).shape); }

static LogicalResult evaluateShape(Evaluation &e) {
  const HostTensor &x = e.in(0);
  int64_t rank = x.rank(), start = e.node.getInt("start", 0), end = e.node.getInt("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  e.out() = HostTensor(HostTensor::Int, {end - start});
  e.out().allocate();
  for (int64_t d = start; d < end; ++d)
    e.out().setInteger(d - start, x.shape[d]);
  return success();
}

static LogicalResult evaluateSize(Evaluation &e) {
  e.out() = HostTensor(HostTensor::Int, {});
  e.out().allocate();
  e.out().setInteger(0, e.in(0).size());
  return success();
}

static LogicalResult evaluateReshape(Evaluation &e) {
  const HostTensor &x = e.in(0);
  auto target = e.integers(1, "shape");
  if (!target)
    return failure();
  SmallVector<int64_t> shape = *target;
  int64_t known = 1, inferred = -1;
  for (auto [d, dim] : llvm::enumerate(shape)) {
    if (dim == 0 && !e.node.getInt("allowzero", 0)) {
      if (int64_t(d) >= x.rank())
        return failure();
      dim = x.shape[d];
    }
    if (dim == -1 && inferred < 0)
      inferred = d;
    else if (dim < 0)
      return failure();
    else if (llvm::MulOverflow(known, dim, known))
      return failure();
  }
  if (inferred >= 0) {
    if (!known)
      return failure();
    shape[inferred] = x.size() / known;
  }
  return sameElements(e, x, shape);
}

static LogicalResult evaluateFlatten(Evaluation &e) {
  const HostTensor &x = e.in(0);
  int64_t axis = e.node.getInt("axis", 1);
  if (axis < 0)
    axis += x.rank();
  if (axis < 0 || axis > x.rank())
    return failure();
  int64_t rows = 1, columns = 1;
  for (int64_t d = 0; d < x.rank(); ++d)
    (d < axis ? rows : columns) *= x.shape[d];
  return sameElements(e, x, {rows, columns});
}

static LogicalResult evaluateTranspose(Evaluation &e) {
  const HostTensor &x = e.in(0);
  SmallVector<int64_t> perm = e.node.getInts("perm").value_or(SmallVector<int64_t>());
  if (perm.empty())
    for (int64_t d = x.rank() - 1; d >= 0; --d)
      perm.push_back(d);
  SmallVector<int64_t> own = stridesOf(x.shape), shape, strides;
  if (int64_t(perm.size()) != x.rank())
    return failure();
  for (int64_t d : perm) {
    if (d < 0 || d >= x.rank())
      return failure();
    shape.push_back(x.shape[d]);
    strides.push_back(own[d]);
  }
  return readByStrides(e, x, shape, strides);
}

static LogicalResult evaluateUnsqueeze(Evaluation &e) {
  const HostTensor &x = e.in(0);
  auto axes = e.integers(1, "axes");
  if (!axes)
    return failure();
  int64_t rank = x.rank() + axes->size();
  SmallVector<int64_t> shape(rank, -1);
  for (int64_t axis : *axes)
    if (failed(normalizeAxis(axis, rank)) || shape[axis] == 1)
      return failure();
    else
      shape[axis] = 1;
  auto next = x.shape.begin();
  for (int64_t &dim : shape)
    if (dim < 0)
      dim = *next++;
  return sameElements(e, x, shape);
}

static LogicalResult evaluateSqueeze(Evaluation &e) {
  const HostTensor &x = e.in(0);
  SmallVector<bool> drop(x.rank(), false);
  if (e.has(1) || e.node.getInts("axes")) {
    auto axes = e.integers(1, "axes");
    if (!axes)
      return failure();
    for (int64_t axis : *axes)
      if (failed(normalizeAxis(axis, x.rank())) || x.shape[axis] != 1)
        return failure();
      else
        drop[axis] = true;
  } else {
    for (int64_t d = 0; d < x.rank(); ++d)
      drop[d] = x.shape[d] == 1;
  }
  SmallVector<int64_t> shape;
  for (int64_t d = 0; d < x.rank(); ++d)
    if (!drop[d])
      shape.push_back(x.shape[d]);
  return sameElements(e, x, shape);
}

static LogicalResult evaluateExpand(Evaluation &e) {
  auto target = e.integers(1, "");
  SmallVector<int64_t> shape;
  if (!target || !broadcastShapes(e.in(0).shape, *target, shape))
    return failure();
  return readByStrides(e, e.in(0), shape, broadcastStrides(e.in(0).shape, shape));
}

static LogicalResult evaluateTile(Evaluation &e) {
  const HostTensor &x = e.in(0);
  auto repeats = e.integers(1, "");
  if (!repeats || int64_t(repeats->size()) != x.rank())
    return failure();
  // [a, b] tiled is [ra, a, rb, b] with strides of 0 where it repeats.
  SmallVector<int64_t> own = stridesOf(x.shape), shape, wide, strides;
  for (int64_t d = 0; d < x.rank(); ++d) {
    shape.push_back(x.shape[d] * (*repeats)[d]);
    wide.append({(*repeats)[d], x.shape[d]});
    strides.append({0, own[d]});
  }
  if (failed(readByStrides(e, x, wide, strides)))
    return failure();
  e.out().shape.assign(shape.begin(), shape.end());
  return success();
}

static LogicalResult evaluateSlice(Evaluation &e) {
  const HostTensor &x = e.in(0);
  auto starts = e.integers(1, "starts"), ends = e.integers(2, "ends");
  if (!starts || !ends || starts->size() != ends->size())
    return failure();
  SmallVector<int64_t> axes, steps(starts->size(), 1);
  if (auto given = e.integers(3, "axes"))
    axes = *given;
  else
    for (size_t i = 0; i < starts->size(); ++i)
      axes.push_back(i);
  if (e.has(4)) {
    auto given = e.integers(4, "");
    if (!given)
      return failure();
    steps = *given;
  }
  if (axes.size() != starts->size() || steps.size() != starts->size())
    return failure();
  SmallVector<int64_t> shape(x.shape), strides = stridesOf(x.shape);
  int64_t origin = 0;
  for (auto [start, end, axis, step] : llvm::zip(*starts, *ends, axes, steps)) {
    if (failed(normalizeAxis(axis, x.rank())) || step == 0)
      return failure();
    int64_t dim = x.shape[axis];
    auto clamp = [&](int64_t bound) {
      bound = bound < 0 ? (bound < -dim ? -1 : bound + dim) : bound;
      return step > 0 ? std::clamp<int64_t>(bound, 0, dim) : std::clamp<int64_t>(bound, -1, dim - 1);
    };
    int64_t first = clamp(start), last = clamp(end);
    shape[axis] = std::max<int64_t>(0, step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step);
    origin += first * strides[axis];
    strides[axis] *= step;
  }
  return readByStrides(e, x, shape, strides, origin);
}

static LogicalResult evaluateSplit(Evaluation &e) {
  const HostTensor &x = e.in(0);
  int64_t axis = e.node.getInt("axis", 0), parts = e.results.size();
  if (failed(normalizeAxis(axis, x.rank())) || !parts)
    return failure();
  SmallVector<int64_t> sizes;
  if (e.has(1) || e.node.getInts("split")) {
    auto given = e.integers(1, "split");
    if (!given || int64_t(given->size()) != parts)
      return failure();
    sizes = *given;
  } else {
    int64_t each = (x.shape[axis] + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i)
      sizes.push_back(std::clamp<int64_t>(x.shape[axis] - i * each, 0, each));
  }
  SmallVector<int64_t> strides = stridesOf(x.shape);
  int64_t first = 0;
  for (auto [y, size] : llvm::zip(e.results, sizes)) {
    if (size < 0 || first + size > x.shape[axis])
      return failure();
    y = HostTensor(x.kind, x.shape);
    y.shape[axis] = size;
    if (x.known && y.allocate()) {
      forEachIndex(y.shape, strides, first * strides[axis],
                   [&, &y = y](int64_t i, int64_t j) { y.words[i] = x.words[j]; });
    }
    first += size;
  }
  return success();
}

static LogicalResult evaluateConcat(Evaluation &e) {
  int64_t rank = e.in(0).rank(), axis = e.node.getInt("axis", 0), total = 0;
  if (failed(normalizeAxis(axis, rank)))
    return failure();
  for (const HostTensor *x : e.inputs) {
    if (!x || x->rank() != rank)
      return failure();
    for (int64_t d = 0; d < rank; ++d)
      if (d != axis && x->shape[d] != e.in(0).shape[d])
        return failure();
    total += x->shape[axis];
  }
  HostTensor &y = e.out();
  y = HostTensor(e.in(0).kind, e.in(0).shape);
  y.shape[axis] = total;
  if (!e.allKnown())
    return success();
  if (!y.allocate())
    return success();
  SmallVector<int64_t> strides = stridesOf(y.shape);
  int64_t first = 0;
  for (const HostTensor *x : e.inputs) {
    forEachIndex(x->shape, strides, first, [&](int64_t i, int64_t j) { y.words[j] = x->words[i]; });
    first += x->shape[axis] * strides[axis];
  }
  return success();
}

static LogicalResult evaluateGather(Evaluation &e) {
  const HostTensor &x = e.in(0), &indices = e.in(1);
  int64_t axis = e.node.getInt("axis", 0);
  if (failed(normalizeAxis(axis, x.rank())))
    return failure();
  HostTensor &y = e.out();
  y.kind = x.kind;
  y.shape.append(x.shape.begin(), x.shape.begin() + axis);
  y.shape.append(indices.shape.begin(), indices.shape.end());
  y.shape.append(x.shape.begin() + axis + 1, x.shape.end());
  if (!x.known || !indices.known)
    return success();
  if (!y.allocate())
    return success();
  int64_t inner = stridesOf(x.shape)[axis], dim = x.shape[axis], count = indices.size();
  for (int64_t i = 0, size = y.size(); i < size; ++i) {
    int64_t index = indices.integer(i / inner % count);
    if (failed(normalizeAxis(index, dim)))
      return failure();
    y.words[i] = x.words[(i / inner / count * dim + index) * inner + i % inner];
  }
  return success();
}

static LogicalResult evaluateGatherND(Evaluation &e) {
  const HostTensor &x = e.in(0), &indices = e.in(1);
  if (e.node.getInt("batch_dims", 0) || indices.rank() < 1 || indices.shape.back() > x.rank())
    return failure();
  int64_t depth = indices.shape.back();
  HostTensor &y = e.out();
  y.kind = x.kind;
  y.shape.append(indices.shape.begin(), indices.shape.end() - 1);
  y.shape.append(x.shape.begin() + depth, x.shape.end());
  if (!x.known || !indices.known)
    return success();
  if (!y.allocate())
    return success();
  SmallVector<int64_t> strides = stridesOf(x.shape);
  int64_t inner = 1;
  for (int64_t d = depth; d < x.rank(); ++d)
    inner *= x.shape[d];
  for (int64_t i = 0, size = y.size(); i < size; ++i) {
    int64_t from = i % inner;
    for (int64_t d = 0; d < depth; ++d) {
      int64_t index = indices.integer(i / inner * depth + d);
      if (failed(normalizeAxis(index, x.shape[d])))
        return failure();
      from += index * strides[d];
    }
    y.words[i] = x.words[from];
  }
  return success();
}

static LogicalResult evaluateTrilu(Evaluation &e) {
  const HostTensor &x = e.in(0);
  bool upper = e.node.getInt("upper", 1);
  if (x.rank() < 2 || (e.has(1) && !e.in(1).known) || failed(sameElements(e, x, x.shape)))
    return failure();
  int64_t k = e.has(1) ? e.in(1).integer(0) : 0, columns = x.shape.back(), rows = x.shape[x.rank() - 2];
  for (size_t i = 0; i < e.out().words.size(); ++i) {
    int64_t column = i % columns, row = i / columns % rows;
    if (upper ? column < row + k : column > row + k)
      e.out().words[i] = 0; // also the bits of 0.0
  }
  return success();
}

static LogicalResult evaluateCast(Evaluation &e) {
  const HostTensor &x = e.in(0);
  int64_t to = e.node.getInt("to", 0);
  HostTensor &y = e.out();
  y.shape = x.shape;
  if (e.node.getType() == "CastLike")
    y.kind = e.in(1).kind;
  else if (to == 1 || to == 10 || to == 11 || to == 16)
    y.kind = HostTensor::Float; // precision is not modelled: the program computes in f32
  else if ((to >= 2 && to <= 7) || to == 12 || to == 13)
    y.kind = HostTensor::Int;
  else if (to == 9)
    y.kind = HostTensor::Bool;
  else
    return failure();
  if (!x.known)
    return success();
  if (!y.allocate())
    return success();
  for (size_t i = 0; i < y.words.size(); ++i)
    if (x.kind == HostTensor::Float)
      y.set(i, x.number(i));
    else
      y.setInteger(i, x.integer(i));
  return success();
}

EvaluateFn qfa::onnx::findViewEvaluator(StringRef type) {
  return llvm::StringSwitch<EvaluateFn>(type)
      .Cases({"Identity", "Dropout"}, evaluateIdentity)
      .Case("Shape", evaluateShape)
      .Case("Size", evaluateSize)
      .Case("Reshape", evaluateReshape)
      .Case("Flatten", evaluateFlatten)
      .Case("Transpose", evaluateTranspose)
      .Case("Unsqueeze", evaluateUnsqueeze)
      .Case("Squeeze", evaluateSqueeze)
      .Case("Expand", evaluateExpand)
      .Case("Tile", evaluateTile)
      .Case("Slice", evaluateSlice)
      .Case("Split", evaluateSplit)
      .Case("Concat", evaluateConcat)
      .Case("Gather", evaluateGather)
      .Case("GatherND", evaluateGatherND)
      .Case("Trilu", evaluateTrilu)
      .Cases({"Cast", "CastLike"}, evaluateCast)
      .Default(nullptr);
}
