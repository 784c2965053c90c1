// Appends the backward to @train_step: 1. declare gradients and trainables; 2. find the values that depend on them; 3.
// walk the forward backwards and let every op on the way to the loss build its rule; 4. drop what nobody reads.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace qfa {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "qfa/Autodiff/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

// The symbol of a weight, dense or elastic; null for other values.
FlatSymbolRefAttr symbolOf(Value value) {
  if (auto weight = value.getDefiningOp<WeightOp>())
    return weight.getParameterAttr();
  if (auto elastic = value.getDefiningOp<ElasticRefOp>())
    return elastic.getElasticAttr();
  return {};
}

struct DifferentiatePass : qfa::impl::DifferentiateBase<DifferentiatePass> {
  using DifferentiateBase::DifferentiateBase;

  void runOnOperation() override {
    if (!getOperation().getOps<TrainableOp>().empty())
      return;
    if (failed(findLoss()) || failed(declareTrainables()) || failed(buildBackward()))
      return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

private:
  LogicalResult findLoss() {
    function = getOperation().lookupSymbol<func::FuncOp>("train_step");
    if (!function)
      return emitError(getOperation().getLoc()) << "module has no function @train_step";
    Operation *end = function.getBody().front().getTerminator();
    loss = end->getNumOperands() == 1 ? end->getOperand(0).getDefiningOp<CrossEntropyOp>() : CrossEntropyOp();
    if (!loss || end->getOperand(0) != loss.getLoss())
      return emitError(end->getLoc()) << "@train_step does not return the loss of one qfa.cross_entropy";
    return success();
  }

  LogicalResult declareTrainables() {
    Location loc = getOperation().getLoc();
    if (method != "supernet" && method != "full")
      return emitError(loc) << "method '" << method << "' is not one of supernet, full";
    llvm::DenseSet<Attribute> used;
    for (Operation &op : function.getBody().front())
      for (Value result : op.getResults())
        if (FlatSymbolRefAttr symbol = symbolOf(result))
          used.insert(symbol);
    // In the order of the module, which the runtime's tables follow.
    for (Operation &op : llvm::make_early_inc_range(*getOperation().getBody())) {
      auto elastic = dyn_cast<ElasticOp>(op);
      if (elastic && method == "full" && used.contains(FlatSymbolRefAttr::get(elastic)))
        return elastic.emitError() << "method full trains parameters, but " << elastic.getSymName() << " is elastic";
      if (elastic && used.contains(FlatSymbolRefAttr::get(elastic)) &&
          cast<ElasticType>(elastic.getType()).getRank() > 0) {
        auto type = cast<ElasticType>(elastic.getType());
        std::string name = elastic.getSymName().str();
        declare(name + ".adapter_a", FlatSymbolRefAttr::get(elastic), "adapter_a", {type.getRank(), type.getGroups()});
        declare(name + ".adapter_b", FlatSymbolRefAttr::get(elastic), "adapter_b", {type.getOut(), type.getRank()});
      }
      auto parameter = dyn_cast<ParameterOp>(op);
      if (parameter && method == "full" && used.contains(FlatSymbolRefAttr::get(parameter)))
        declare(parameter.getSymName().str(), FlatSymbolRefAttr::get(parameter), "value",
                cast<RankedTensorType>(parameter.getType()).getShape());
    }
    if (gradients.empty())
      return emitError(loc) << (method == "full" ? "nothing to train: @train_step reads no parameter"
                                                 : "nothing to train: no elastic weight has an adapter");
    return success();
  }

  void declare(const std::string &name, FlatSymbolRefAttr source, StringRef role, ArrayRef<int64_t> shape) {
    OpBuilder b(function);
    Location loc = getOperation().getLoc();
    StringAttr gradient = b.getStringAttr(name + ".gradient");
    auto state =
        StateOp::create(b, loc, StateKind::gradient, gradient, BufferType::get(&getContext(), shape, b.getF32Type()));
    // A parameter has its name already.
    StringAttr trainable = b.getStringAttr(role == "value" ? name + ".trainable" : name);
    TrainableOp::create(b, loc, trainable, source, b.getStringAttr(role), FlatSymbolRefAttr::get(gradient),
                        TypeAttr::get(TrainableType::get(&getContext(), shape, b.getF32Type())));
    gradients[{source, b.getStringAttr(role)}] = state;
    trained.insert(source);
  }

  // Values that depend on a trained one; only through them gradients have to flow.
  llvm::DenseSet<Value> dependentValues() {
    llvm::DenseSet<Value> dependent;
    for (Operation &op : function.getBody().front())
      for (Value result : op.getResults()) {
        FlatSymbolRefAttr symbol = symbolOf(result);
        if ((symbol && trained.contains(symbol)) ||
            llvm::any_of(op.getOperands(), [&](Value operand) { return dependent.contains(operand); }))
          dependent.insert(result);
      }
    return dependent;
  }

  LogicalResult buildBackward() {
    llvm::DenseSet<Value> dependent = dependentValues();
    Block &block = function.getBody().front();
    SmallVector<Operation *> forward;
    for (Operation &op : block.without_terminator())
      forward.push_back(&op);

    OpBuilder b(block.getTerminator());
    llvm::DenseMap<Value, Value> cotangents;
    auto add = [&](Value operand, Value gradient) {
      if (!dependent.contains(operand))
        return;
      Value &sum = cotangents[operand];
      sum = sum ? arith::AddFOp::create(b, gradient.getLoc(), sum, gradient).getResult() : gradient;
    };
    llvm::DenseMap<Operation *, Value> buffers; // by state
    auto gradientOf = [&](Value weight, StringRef role) {
      StateOp state = gradients.lookup({symbolOf(weight), b.getStringAttr(role)});
      if (!state)
        return Value();
      Value &buffer = buffers[state];
      if (!buffer)
        buffer =
            StateRefOp::create(b, weight.getLoc(), cast<BufferType>(state.getType()), FlatSymbolRefAttr::get(state));
      return buffer;
    };

    // The loss is the sum over tokens, so every token's cotangent is 1.
    auto lossType = cast<RankedTensorType>(loss.getLoss().getType());
    cotangents[loss.getLoss()] =
        arith::ConstantOp::create(b, loss.getLoc(), DenseElementsAttr::get(lossType, 1.0f)).getResult();
    for (Operation *op : llvm::reverse(forward)) {
      SmallVector<Value> d;
      for (Value result : op->getResults())
        d.push_back(cotangents.lookup(result));
      if (llvm::none_of(d, [](Value value) { return value; }) || op->getNumOperands() == 0)
        continue;
      auto rule = dyn_cast<DifferentiableOpInterface>(op);
      if (!rule)
        return op->emitOpError("lies between a trained value and the loss, but has no derivative rule");
      if (failed(rule.buildBackward(b, d, add, gradientOf)))
        return failure();
    }
    return success();
  }

  func::FuncOp function;
  CrossEntropyOp loss;
  llvm::DenseSet<Attribute> trained;                                  // symbols
  llvm::DenseMap<std::pair<Attribute, Attribute>, StateOp> gradients; // by symbol and role
};

} // namespace
