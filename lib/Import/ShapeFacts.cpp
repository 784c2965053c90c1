// Evaluation of values on the samples, and of chains of views on indices.

#include "ShapeFacts.h"
#include "qfa/Import/OnnxModel.h"
#include <cmath>

using namespace mlir;
using namespace qfa::onnx;

// Weights above this size are never read: no mask and no rotary table is made of them.
static constexpr int64_t readableBytes = 64 << 10;

static qfa::ParameterOp parameterOf(InitializerOp initializer) {
  return SymbolTable::lookupNearestSymbolFrom<qfa::ParameterOp>(initializer, initializer.getParameterAttr());
}

/// A shape on a sample: the first dynamic dimension is the batch, the second the sequence.
static SmallVector<int64_t> shapeOnSample(ArrayRef<int64_t> shape, ShapeFacts::Sample sample) {
  SmallVector<int64_t> result(shape);
  int64_t next = sample.batch;
  for (int64_t &dim : result)
    if (ShapedType::isDynamic(dim)) {
      dim = next;
      next = sample.sequence;
    }
  return result;
}

/// The elements of a small weight, whose shape is known already.
static void loadWeight(qfa::ParameterOp parameter, HostTensor &tensor) {
  Type storage = parameter.getStorage();
  Tensor file;
  file.type = storage.isF16() ? DataType::Float16 : storage.isBF16() ? DataType::Bfloat16 : DataType::Float;
  file.file = parameter.getFile().str();
  file.offset = parameter.getOffset();
  file.bytes = parameter.getBytes();
  if (llvm::Error error = loadValues(file)) {
    llvm::consumeError(std::move(error)); // the writer of weights reports it
    return;
  }
  if (int64_t(file.floats.size()) != tensor.size() || !tensor.allocate())
    return;
  tensor.fromWeight = true;
  for (auto [i, value] : llvm::enumerate(file.floats))
    tensor.set(i, value);
}

void ShapeFacts::evaluateLeaf(Value value, Values &values) {
  Operation *op = value.getDefiningOp();
  for (auto [sample, result] : llvm::zip(samples, values)) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      result = HostTensor::fromAttribute(constant.getValue());
      if (substitution && result->size() == 1 && std::abs(result->number(0)) == double(substitution->first))
        result->set(0, std::copysign(double(substitution->second), result->number(0)));
    } else if (auto shape = dyn_cast<ShapeOp>(op)) {
      result = HostTensor(HostTensor::Int, {});
      if (!shape.getScalar())
        result->shape = {int64_t(shape.getDims().size())};
      result->allocate();
      for (auto [i, dim] : llvm::enumerate(shape.getDims().getAsRange<StringAttr>()))
        result->setInteger(i, Dim::parse(dim)->at(sample.batch, sample.sequence));
    } else if (auto tensor = dyn_cast<FromTensorOp>(op)) {
      auto type = cast<RankedTensorType>(tensor.getTensor().getType());
      Type element = type.getElementType();
      result = HostTensor(isa<FloatType>(element) ? HostTensor::Float
                          : element.isInteger(1)  ? HostTensor::Bool
                                                  : HostTensor::Int,
                          shapeOnSample(type.getShape(), sample));
    } else if (auto initializer = dyn_cast<InitializerOp>(op)) {
      if (qfa::ParameterOp parameter = parameterOf(initializer))
        result = HostTensor(HostTensor::Float, storedShape(parameter));
    } else if (auto heads = dyn_cast<SplitHeadsOp>(op)) {
      const HostTensor *x = get(heads.getX(), &sample - samples.data());
      int64_t width = heads.getWidth(), repeat = heads.getRepeat();
      if (!x || x->rank() != 3 || width <= 0 || repeat <= 0 || x->shape[2] % width)
        continue;
      SmallVector<int64_t> shape = {x->shape[0], x->shape[2] / width * repeat, x->shape[1], width};
      if (heads.getTransposed())
        std::swap(shape[2], shape[3]);
      result = HostTensor(x->kind, shape);
    }
  }
}

/// Makes the elements of a small weight known. Whether that succeeded, or the value was known anyway.
bool ShapeFacts::load(Value value) {
  const HostTensor *tensor = get(value, 0);
  if (!tensor || tensor->known)
    return tensor;
  auto initializer = value.getDefiningOp<InitializerOp>();
  if (!initializer)
    return false;
  qfa::ParameterOp parameter = parameterOf(initializer);
  if (parameter.getFile().empty() || int64_t(parameter.getBytes()) > readableBytes)
    return false;
  Values &values = *facts.find(value)->second;
  loadWeight(parameter, *values[0]);
  values[1] = values[2] = values[0];
  return values[0]->known;
}

void ShapeFacts::evaluateNode(NodeOp node) {
  // Weights are read only for what is computed from weights and shapes alone.
  bool computable = llvm::all_of(node.getInputs(), [&](Value input) {
    const HostTensor *tensor = get(input, 0);
    return input.getDefiningOp<NoneOp>() || (tensor && (tensor->known || input.getDefiningOp<InitializerOp>()));
  });
  if (computable && node.getType() != "Shape")
    for (Value input : node.getInputs())
      if (!input.getDefiningOp<NoneOp>() && !load(input))
        break;
  SmallVector<HostTensor> results;
  for (unsigned sample = 0; sample < samples.size(); ++sample) {
    SmallVector<const HostTensor *> inputs;
    bool complete = true;
    for (Value input : node.getInputs()) {
      bool none = input.getDefiningOp<NoneOp>();
      inputs.push_back(none ? nullptr : get(input, sample));
      complete &= none || inputs.back();
    }
    bool found = complete && succeeded(evaluate(node, inputs, results));
    for (auto [i, output] : llvm::enumerate(node.getOutputs())) {
      std::unique_ptr<Values> &values = facts[output];
      if (!values)
        values = std::make_unique<Values>();
      if (found)
        (*values)[sample] = std::move(results[i]);
    }
  }
}

const ShapeFacts::Values &ShapeFacts::evaluateValue(Value value) {
  auto found = facts.find(value);
  if (found != facts.end())
    return *found->second;
  if (auto node = value.getDefiningOp<NodeOp>()) {
    evaluateNode(node);
    return *facts.find(value)->second;
  }
  auto values = std::make_unique<Values>();
  if (value.getDefiningOp())
    evaluateLeaf(value, *values);
  return *(facts[value] = std::move(values));
}

const HostTensor *ShapeFacts::get(Value value, unsigned sample) {
  const std::optional<HostTensor> &tensor = evaluateValue(value)[sample];
  return tensor ? &*tensor : nullptr;
}

bool ShapeFacts::isKnown(Value value) {
  return llvm::all_of(evaluateValue(value), [](const auto &tensor) { return tensor && tensor->known; });
}

std::optional<Dim> ShapeFacts::fit(ArrayRef<int64_t> sizes) {
  Dim candidates[] = {{1, false, false}, {1, true, false}, {1, false, true}, {1, true, true}};
  for (Dim dim : candidates) {
    int64_t unit = dim.at(samples[0].batch, samples[0].sequence);
    dim.coefficient = sizes[0] / unit;
    if ((dim.batch || dim.sequence) && !dim.coefficient)
      continue;
    if (llvm::all_of(llvm::zip(samples, sizes), [&](auto pair) {
          auto [sample, size] = pair;
          return dim.at(sample.batch, sample.sequence) == size;
        }))
      return dim;
  }
  return std::nullopt;
}

std::optional<SmallVector<Dim>> ShapeFacts::dims(Value value) {
  const Values &values = evaluateValue(value);
  SmallVector<Dim> result;
  for (const auto &tensor : values)
    if (!tensor || tensor->rank() != values[0]->rank())
      return std::nullopt;
  for (int64_t d = 0; d < values[0]->rank(); ++d) {
    std::optional<Dim> dim = fit({values[0]->shape[d], values[1]->shape[d], values[2]->shape[d]});
    if (!dim)
      return std::nullopt;
    result.push_back(*dim);
  }
  return result;
}

std::optional<double> ShapeFacts::scalar(Value value) {
  if (!isKnown(value))
    return std::nullopt;
  const Values &values = evaluateValue(value);
  for (const auto &tensor : values)
    if (tensor->words.size() != 1 || tensor->number(0) != values[0]->number(0))
      return std::nullopt;
  return values[0]->number(0);
}

void ShapeFacts::forget(Operation *op) {
  for (Value result : op->getResults())
    facts.erase(result);
}

/// The operand that a view-like node shows, null for other nodes.
static Value viewedOperand(NodeOp node, ShapeFacts &facts) {
  StringRef type = node.getType();
  if (node.getDomain() || node.getInputs().empty())
    return {};
  if (llvm::is_contained({"Identity", "Cast", "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze", "Expand",
                          "Slice", "Tile", "Split", "Neg"},
                         type)) {
    // A cast between kinds changes values.
    const HostTensor *from = facts.get(node.getInputs()[0], 0), *to = facts.get(node.getResult(0), 0);
    return from && to && from->kind == to->kind ? node.getInputs()[0] : Value();
  }
  return {};
}

Value ShapeFacts::followViews(Value value, HostTensor &shown) {
  auto indices = [&](Value source) {
    const HostTensor *tensor = get(source, 0);
    shown = HostTensor(HostTensor::Int, tensor ? tensor->shape : ArrayRef<int64_t>(-1));
    if (!tensor || tensor->known || !shown.allocate())
      return Value();
    for (size_t i = 0; i < shown.words.size(); ++i)
      shown.setInteger(i, i + 1);
    return source;
  };
  auto replay = [&](NodeOp node, ArrayRef<const HostTensor *> inputs) {
    SmallVector<HostTensor> results;
    if (failed(evaluate(node, inputs, results)))
      return false;
    shown = std::move(results[cast<OpResult>(value).getResultNumber()]);
    return shown.known;
  };

  if (auto heads = value.getDefiningOp<SplitHeadsOp>()) {
    Value source = followViews(heads.getX(), shown);
    if (!source || !get(value, 0))
      return {};
    // [b, s, h, d] read as [b, h, repeat, s, d], or with s and d exchanged.
    HostTensor x = std::move(shown);
    int64_t width = heads.getWidth(), repeat = heads.getRepeat(), batch = x.shape[0], sequence = x.shape[1];
    int64_t features = x.shape[2];
    SmallVector<int64_t> shape = {batch, features / width, repeat, sequence, width};
    SmallVector<int64_t> strides = {sequence * features, width, 0, features, 1};
    if (heads.getTransposed()) {
      std::swap(shape[3], shape[4]);
      std::swap(strides[3], strides[4]);
    }
    shown = HostTensor(HostTensor::Int, get(value, 0)->shape);
    shown.allocate();
    forEachIndex(shape, strides, 0, [&](int64_t i, int64_t j) { shown.words[i] = x.words[j]; });
    return source;
  }
  auto node = value.getDefiningOp<NodeOp>();
  if (!node)
    return indices(value);
  if (node.is("Concat")) {
    // A concatenation shows one tensor when all its parts do: halves swapped, or a cache of length 0 in front.
    Value source;
    SmallVector<HostTensor> parts;
    for (Value input : node.getInputs()) {
      const HostTensor *tensor = get(input, 0);
      if (!tensor)
        return {};
      if (tensor->size() == 0) {
        parts.push_back(HostTensor(HostTensor::Int, tensor->shape));
        parts.back().allocate();
        continue;
      }
      Value from = followViews(input, shown);
      if (!from || (source && from != source))
        return {};
      source = from;
      parts.push_back(std::move(shown));
    }
    SmallVector<const HostTensor *> inputs;
    for (const HostTensor &part : parts)
      inputs.push_back(&part);
    return source && replay(node, inputs) ? source : Value();
  }
  Value operand = viewedOperand(node, *this);
  if (!operand)
    return indices(value);
  Value source = followViews(operand, shown);
  if (!source)
    return {};
  HostTensor x = std::move(shown);
  SmallVector<const HostTensor *> inputs = {&x};
  for (Value input : node.getInputs().drop_front())
    inputs.push_back(input.getDefiningOp<NoneOp>() ? nullptr : get(input, 0));
  if (node.is("Cast")) {
    shown = std::move(x);
    return source;
  }
  return replay(node, inputs) ? source : Value();
}
