// Replaces what depends on shapes and constants only by its value.

#include "ShapeFacts.h"
#include "qfa/Import/Passes.h"

namespace qfa {
#define GEN_PASS_DEF_FOLDONNX
#include "qfa/Import/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa::onnx;

// A larger table is more readable as the nodes that compute it.
static constexpr int64_t largestConstant = 4096;

/// The value as a constant, when it is the same on all samples.
static Value foldToConstant(Value value, ShapeFacts &facts, OpBuilder &builder) {
  const HostTensor *first = facts.get(value, 0);
  if (first->size() > largestConstant || !first->sameAs(*facts.get(value, 1)) || !first->sameAs(*facts.get(value, 2)))
    return {};
  return ConstantOp::create(builder, value.getLoc(), first->toAttribute(builder.getContext()));
}

/// The value as a vector of dimensions.
static Value foldToShape(Value value, ShapeFacts &facts, OpBuilder &builder) {
  const HostTensor *first = facts.get(value, 0);
  if (first->kind != HostTensor::Int || first->rank() > 1 || first->size() > 16)
    return {};
  SmallVector<std::string> text;
  for (int64_t i = 0; i < first->size(); ++i) {
    SmallVector<int64_t> sizes;
    for (unsigned sample = 0; sample < ShapeFacts::samples.size(); ++sample) {
      const HostTensor *tensor = facts.get(value, sample);
      if (tensor->shape != first->shape)
        return {};
      sizes.push_back(tensor->integer(i));
    }
    std::optional<Dim> dim = ShapeFacts::fit(sizes);
    if (!dim)
      return {};
    text.push_back(dim->str());
  }
  SmallVector<StringRef> dims(text.begin(), text.end());
  return ShapeOp::create(builder, value.getLoc(), builder.getStrArrayAttr(dims),
                         first->rank() == 0 ? builder.getUnitAttr() : UnitAttr());
}

namespace {
struct FoldOnnx : qfa::impl::FoldOnnxBase<FoldOnnx> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    ShapeFacts facts;
    SmallVector<NodeOp> nodes;
    // In order, so that no evaluation recurses into a long chain.
    function.walk([&](NodeOp node) {
      nodes.push_back(node);
      for (Value output : node.getOutputs())
        facts.get(output, 0);
    });
    OpBuilder builder(function.getContext());
    for (NodeOp node : nodes)
      for (Value output : node.getOutputs()) {
        if (!facts.isKnown(output) || facts.get(output, 0)->fromWeight || !feedsData(output, facts))
          continue;
        builder.setInsertionPoint(node);
        Value folded = foldToConstant(output, facts, builder);
        if (!folded)
          folded = foldToShape(output, facts, builder);
        if (folded)
          output.replaceAllUsesWith(folded);
      }
    eraseUnused(function);
  }

  /// Whether some user is not known itself: only there is the value needed.
  static bool feedsData(Value value, ShapeFacts &facts) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return llvm::any_of(user->getResults(), [&](Value result) { return !facts.isKnown(result); });
    });
  }

  static void eraseUnused(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
