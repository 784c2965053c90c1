// The interpreter's symbols: parameters, elastic weights, states, trainables; and the call of a function.
#include "Frame.h"

#include "qfa/Format/Numbers.h"

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

Interpreter::Interpreter(ModuleOp module, Weights &weights, Precision precision)
    : module(module), weights(weights), precision(precision) {
  for (StateOp state : module.getOps<StateOp>()) { // side by side per kind, in the order of the module
    auto &kind = memory[static_cast<int>(state.getKind())];
    stateOffsets[state] = kind.size();
    kind.resize(kind.size() + cast<BufferType>(state.getType()).getNumElements());
  }
}

MutableArrayRef<double> Interpreter::state(StateOp op) {
  return states(op.getKind()).slice(stateOffsets.at(op), cast<BufferType>(op.getType()).getNumElements());
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult Interpreter::setBits(StringRef site, int64_t bits) {
  auto op = module.lookupSymbol<SiteOp>(site);
  if (!op)
    return module.emitError() << "has no site '" << site << "'";
  if (!llvm::is_contained(op.getBits(), bits))
    return op.emitOpError("'") << site << "' has no copy at " << bits << " bits";
  configuration[site] = bits;
  return success();
}

int64_t Interpreter::bitsOf(ElasticOp op) {
  ArrayRef<int64_t> widths = cast<ElasticType>(op.getType()).getBits();
  auto chosen = configuration.find(op.getSite());
  if (chosen != configuration.end())
    return chosen->second;
  return llvm::is_contained(widths, defaultBits) ? defaultBits : widths.back();
}

static LogicalResult checkShape(Operation *op, StringRef what, const Tensor &value, ArrayRef<int64_t> wanted) {
  if (ArrayRef<int64_t>(value.shape) == wanted)
    return success();
  return op->emitOpError() << what << " has shape [" << ArrayRef<int64_t>(value.shape) << "], wanted [" << wanted
                           << "]";
}

Trained *Interpreter::parameter(ParameterOp op) {
  auto [found, isNew] = trained.try_emplace(op.getSymName().str());
  if (isNew &&
      (failed(weights.parameter(op, found->second.value)) ||
       failed(checkShape(op, "value", found->second.value, cast<RankedTensorType>(op.getType()).getShape())))) {
    trained.erase(found);
    return nullptr;
  }
  if (isNew && op.getRounded())
    for (double &value : found->second.value.data)
      value = format::halfToFloat(format::floatToHalf(static_cast<float>(value)));
  return &found->second;
}

Trained *Interpreter::adapter(ElasticOp op, StringRef role) {
  int64_t bits = bitsOf(op);
  auto type = cast<ElasticType>(op.getType());
  std::string name = (op.getSymName() + ".b" + Twine(bits) + "." + role).str();
  SmallVector<int64_t> wanted = {type.getRank(), type.getGroups()};
  if (role == "adapter_b")
    wanted = {type.getOut(), type.getRank()};
  auto [found, isNew] = trained.try_emplace(name);
  if (isNew && (failed(weights.adapter(op, bits, role, found->second.value)) ||
                failed(checkShape(op, role, found->second.value, wanted)))) {
    trained.erase(found);
    return nullptr;
  }
  return &found->second;
}

FailureOr<ElasticRow> Interpreter::elastic(ElasticOp op) {
  int64_t bits = bitsOf(op);
  auto type = cast<ElasticType>(op.getType());
  auto [copy, isNew] = copies.try_emplace((op.getSymName() + ".b" + Twine(bits)).str());
  if (isNew) {
    Tensor none;
    Trained *source = nullptr;
    if (!weights.hasCopy(op, bits)) {
      source = parameter(SymbolTable::lookupNearestSymbolFrom<ParameterOp>(op, op.getParameterAttr()));
      if (!source) {
        copies.erase(copy);
        return failure();
      }
    }
    if (failed(weights.copy(op, bits, source ? source->value : none, copy->second)) ||
        failed(checkShape(op, "copy", copy->second, {type.getOut(), type.getIn()}))) {
      copies.erase(copy);
      return failure();
    }
  }
  ElasticRow row = {&copy->second, nullptr, nullptr};
  if (type.getRank() > 0) {
    row.a = adapter(op, "adapter_a");
    row.b = adapter(op, "adapter_b");
    if (!row.a || !row.b)
      return failure();
  }
  return row;
}

Trained *Interpreter::trainable(TrainableOp op) {
  if (op.getRole() == "value") {
    auto source = SymbolTable::lookupNearestSymbolFrom<ParameterOp>(op, op.getSourceAttr());
    return source ? parameter(source) : (op.emitOpError("names no qfa.parameter"), nullptr);
  }
  auto source = SymbolTable::lookupNearestSymbolFrom<ElasticOp>(op, op.getSourceAttr());
  return source ? adapter(source, op.getRole()) : (op.emitOpError("names no qfa.elastic"), nullptr);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

// A dynamic dimension takes any size.
static bool fits(const Tensor &input, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == int64_t(input.shape.size()) &&
         llvm::all_of(llvm::zip(input.shape, tensor.getShape()), [](auto pair) {
           return ShapedType::isDynamic(std::get<1>(pair)) || std::get<0>(pair) == std::get<1>(pair);
         });
}

FailureOr<std::vector<Tensor>> Interpreter::run(StringRef entry, ArrayRef<Tensor> inputs) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isExternal())
    return module.emitError() << "has no function '" << entry << "' with a body";
  if (function.getNumArguments() != inputs.size())
    return function.emitOpError("'") << entry << "' has " << function.getNumArguments() << " inputs, found "
                                     << inputs.size();
  Frame frame(*this);
  for (auto [argument, input] : llvm::zip(function.getArguments(), inputs)) {
    if (!fits(input, argument.getType()))
      return function.emitOpError("input ") << argument.getArgNumber() << " has shape ["
                                            << ArrayRef<int64_t>(input.shape) << "], wanted " << argument.getType();
    frame.set(argument, input);
  }
  Block &body = function.getBody().front();
  if (!function.getBody().hasOneBlock() || !isa<func::ReturnOp>(body.getTerminator()))
    return function.emitOpError("'") << entry << "' is not one block that ends with func.return";
  if (failed(frame.run(body)))
    return failure();
  std::vector<Tensor> outputs;
  for (Value output : body.getTerminator()->getOperands())
    outputs.push_back(frame.tensor(output));
  return outputs;
}
