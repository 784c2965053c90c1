// Applies the raising patterns in one forward walk and reports what could not be raised.

#include "RaisePatterns.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "qfa/Import/Passes.h"

namespace qfa {
#define GEN_PASS_DEF_RAISEONNX
#include "qfa/Import/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa::onnx;

LogicalResult NodePattern::miss(PatternRewriter &rewriter, NodeOp node, unsigned matched, const Twine &reason) const {
  if (!matched)
    return rewriter.notifyMatchFailure(node, reason);
  Miss &best = state.misses[node];
  if (matched > best.matched)
    best = {name, matched, reason.str()};
  return rewriter.notifyMatchFailure(node, reason);
}

void NodePattern::replace(PatternRewriter &rewriter, NodeOp node, Value tensor) const {
  rewriter.replaceOpWithNewOp<FromTensorOp>(node, tensor);
}

Value NodePattern::weight(PatternRewriter &rewriter, NodeOp user, InitializerOp initializer, bool reversed) const {
  auto parameter = SymbolTable::lookupNearestSymbolFrom<qfa::ParameterOp>(initializer, initializer.getParameterAttr());
  if (!parameter)
    return {};
  auto [layout, isNew] = state.layouts.try_emplace(parameter, reversed);
  if (layout->second != reversed)
    return {};
  if (isNew && parameter.getTransposed() != reversed) {
    SmallVector<int64_t> shape = storedShape(parameter);
    if (reversed)
      std::reverse(shape.begin(), shape.end());
    parameter.setType(RankedTensorType::get(shape, rewriter.getF32Type()));
    parameter.setTransposed(reversed);
  }
  // The module that uses a weight gives it its name; a table that is embedding and projection is the embedding's.
  if (user.getScopeAttr() && !parameter->hasAttr("onnx.scope"))
    parameter->setAttr("onnx.scope", user.getScopeAttr());
  return qfa::WeightOp::create(rewriter, initializer.getLoc(), parameter.getType(), initializer.getParameterAttr());
}

NodeOp qfa::onnx::definedBy(Value value, StringRef type) {
  auto node = value ? value.getDefiningOp<NodeOp>() : NodeOp();
  return node && node.is(type) ? node : NodeOp();
}

Value qfa::onnx::peel(Value value) {
  for (;;) {
    NodeOp node = definedBy(value, "Cast");
    int64_t to = node ? node.getInt("to", 0) : 0;
    if (node && to != 1 && to != 10 && to != 11 && to != 16)
      return value;
    if (!node)
      node = definedBy(value, "Identity");
    if (!node)
      return value;
    value = node.getInputs()[0];
  }
}

Value qfa::onnx::tensorOf(Value value) {
  auto tensor = peel(value).getDefiningOp<FromTensorOp>();
  return tensor ? tensor.getTensor() : Value();
}

WeightUse qfa::onnx::weightUse(Value value) {
  WeightUse use;
  value = peel(value);
  while (NodeOp transpose = definedBy(value, "Transpose")) {
    std::optional<SmallVector<int64_t>> perm = transpose.getInts("perm");
    if (perm && *perm != SmallVector<int64_t>{1, 0})
      return {};
    use.reversed = !use.reversed;
    value = peel(transpose.getInputs()[0]);
  }
  use.initializer = value.getDefiningOp<InitializerOp>();
  return use;
}

Value qfa::onnx::peelFactor(Value value, ShapeFacts &facts, double &factor) {
  for (;;) {
    value = peel(value);
    NodeOp mul = definedBy(value, "Mul"), div = definedBy(value, "Div");
    if (mul) {
      std::optional<double> a = facts.scalar(mul.getInputs()[0]), b = facts.scalar(mul.getInputs()[1]);
      if (!a && !b)
        return value;
      factor *= b ? *b : *a;
      value = mul.getInputs()[b ? 0 : 1];
    } else if (div) {
      std::optional<double> b = facts.scalar(div.getInputs()[1]);
      if (!b || *b == 0)
        return value;
      factor /= *b;
      value = div.getInputs()[0];
    } else {
      return value;
    }
  }
}

RankedTensorType qfa::onnx::activationType(MLIRContext *context, int64_t features) {
  return RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic, features}, Float32Type::get(context));
}

namespace {
/// Keeps the facts in step with the graph.
struct ForgetErased : RewriterBase::Listener {
  explicit ForgetErased(RaiseState &state) : state(state) {}
  void notifyOperationErased(Operation *op) override {
    state.facts.forget(op);
    state.misses.erase(op);
  }
  RaiseState &state;
};

struct RaiseOnnx : qfa::impl::RaiseOnnxBase<RaiseOnnx> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    RaiseState state;
    function.walk([&](NodeOp node) {
      for (Value output : node.getOutputs())
        state.facts.get(output, 0);
    });
    RewritePatternSet patterns(&getContext());
    populateViewPatterns(patterns, state);
    populateLinearPatterns(patterns, state);
    populateNormPatterns(patterns, state);
    populateRopePatterns(patterns, state);
    populateAttentionPatterns(patterns, state);
    ForgetErased listener(state);
    walkAndApplyPatterns(function, std::move(patterns), &listener);
    eraseUnused(function, state);
    if (failed(checkRaised(function, state)))
      return signalPassFailure();
    Operation *terminator = function.getBody().front().getTerminator();
    function.setType(FunctionType::get(&getContext(), function.getArgumentTypes(), terminator->getOperandTypes()));
    keepNames(function);
  }

  /// The names of the file stay with inputs and results, where recorded data finds them.
  static void keepNames(func::FuncOp function) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (Attribute name = function.removeArgAttr(i, "onnx.name"))
        function.setArgAttr(i, "qfa.name", name);
    StringAttr key = StringAttr::get(function.getContext(), "onnx.name");
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (Attribute name = function.removeResultAttr(i, key))
        function.setResultAttr(i, "qfa.name", name);
  }

  static void eraseUnused(func::FuncOp function, RaiseState &state) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op)) {
        state.facts.forget(&op);
        state.misses.erase(&op);
        op.erase();
      }
  }

  /// Names the first node that is left, and the pattern that got furthest.
  static LogicalResult checkRaised(func::FuncOp function, RaiseState &state) {
    NodeOp first;
    Operation *other = nullptr;
    Operation *furthest = nullptr;
    for (Operation &op : function.getBody().front()) {
      if (!isa<OnnxDialect>(op.getDialect()))
        continue;
      if (!other)
        other = &op;
      auto node = dyn_cast<NodeOp>(op);
      if (!node)
        continue;
      // What depends on shapes or weights only is left because its user is.
      bool isCause = llvm::any_of(node.getOutputs(), [&](Value output) { return !state.facts.isKnown(output); }) &&
                     (node.getNumResults() != 1 || !weightUse(node.getResult(0)).initializer);
      if (!first && isCause)
        first = node;
      auto miss = state.misses.find(node);
      if (miss != state.misses.end() && miss->second.matched &&
          (!furthest || miss->second.matched > state.misses[furthest].matched))
        furthest = node;
    }
    if (!other)
      return success();
    if (!first)
      return other->emitError("'") << other->getName() << "' is left after raising, expected only qfa ops";
    auto opsets = function->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>("onnx.opsets");
    StringRef domain = first.getDomain().value_or("ai.onnx");
    auto version = opsets ? dyn_cast_or_null<IntegerAttr>(opsets.get(domain)) : IntegerAttr();
    InFlightDiagnostic error = first.emitError("operator '") << first.getType() << "' (domain " << domain;
    if (version)
      error << ", version " << version.getInt();
    error << ")";
    if (auto name = dyn_cast<NameLoc>(first.getLoc()))
      error << " of node '" << name.getName().getValue() << "'";
    error << " cannot be raised";
    if (furthest) {
      const Miss &miss = state.misses[furthest];
      error.attachNote(furthest->getLoc()) << "pattern '" << miss.pattern << "' came closest: " << miss.reason;
    } else {
      error << "; no pattern takes it";
    }
    return error;
  }
};
} // namespace
