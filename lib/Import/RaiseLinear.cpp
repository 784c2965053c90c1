// Embedding, linear layers, gated activations and residual sums.

#include "RaisePatterns.h"

using namespace mlir;
using namespace qfa::onnx;

namespace {
/// Gather(table, ids) -> qfa.embedding
struct EmbeddingPattern : NodePattern {
  EmbeddingPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "embedding") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Gather") || node.getInt("axis", 0) != 0)
      return miss(rewriter, node, 0, "not a Gather of rows");
    WeightUse use = weightUse(node.getInputs()[0]);
    auto ids = node.getInputs()[1].getDefiningOp<FromTensorOp>();
    if (!use.initializer)
      return miss(rewriter, node, 1, "the table is not a weight");
    if (!ids || !ids.getTensor().getType().getElementType().isInteger(32))
      return miss(rewriter, node, 2, "the indices are not the identifiers of type tensor<?x?xi32>");
    Value table = weight(rewriter, node, use.initializer, use.reversed);
    if (!table)
      return miss(rewriter, node, 2, "the table is used in both layouts");
    auto type = cast<RankedTensorType>(table.getType());
    if (type.getRank() != 2)
      return miss(rewriter, node, 2, "the table is not a matrix");
    replace(rewriter, node,
            qfa::EmbeddingOp::create(rewriter, node.getLoc(), activationType(getContext(), type.getDimSize(1)),
                                     ids.getTensor(), table));
    return success();
  }
};

/// MatMul(x, w [in, out]) -> qfa.linear with the weight's logical layout [out, in]
struct LinearPattern : NodePattern {
  LinearPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "linear") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("MatMul"))
      return miss(rewriter, node, 0, "not a MatMul");
    WeightUse use = weightUse(node.getInputs()[1]);
    if (!use.initializer)
      return miss(rewriter, node, 1, "the second operand is not a weight");
    Value x = tensorOf(node.getInputs()[0]);
    if (!x)
      return miss(rewriter, node, 0, "the first operand is not raised");
    const HostTensor *stored = state.facts.get(use.initializer, 0);
    auto type = cast<RankedTensorType>(x.getType());
    if (!stored || stored->rank() != 2 || type.getRank() != 3 ||
        stored->shape[use.reversed ? 1 : 0] != type.getDimSize(2))
      return miss(rewriter, node, 2, "the shapes are not [batch, sequence, in] and [in, out]");
    Value w = weight(rewriter, node, use.initializer, !use.reversed);
    if (!w)
      return miss(rewriter, node, 2, "the weight is used in both layouts");
    int64_t out = cast<RankedTensorType>(w.getType()).getDimSize(0);
    replace(rewriter, node,
            qfa::LinearOp::create(rewriter, node.getLoc(), activationType(getContext(), out), x, w, Value()));
    return success();
  }
};

/// Mul(activation(gate), up) -> qfa.gated_activation
struct GatedActivationPattern : NodePattern {
  GatedActivationPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "gated_activation") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Mul"))
      return miss(rewriter, node, 0, "not a Mul");
    for (unsigned side : {0, 1}) {
      qfa::GateKind kind;
      Value gate = activated(peel(node.getInputs()[side]), kind), up = tensorOf(node.getInputs()[1 - side]);
      if (!gate)
        continue;
      Value gateTensor = tensorOf(gate);
      if (!gateTensor || !up || gateTensor.getType() != up.getType())
        return miss(rewriter, node, 2, "gate and up projection are not raised tensors of one type");
      replace(rewriter, node,
              qfa::GatedActivationOp::create(rewriter, node.getLoc(), up.getType(), kind, gateTensor, up));
      return success();
    }
    return miss(rewriter, node, 0, "no operand is an activation");
  }

  /// What x * sigmoid(x), Swish or Gelu is applied to.
  static Value activated(Value value, qfa::GateKind &kind) {
    kind = qfa::GateKind::silu;
    if (NodeOp swish = definedBy(value, "Swish"))
      return swish.getFloat("alpha", 1) == 1 ? peel(swish.getInputs()[0]) : Value();
    if (NodeOp gelu = definedBy(value, "Gelu")) {
      auto form =
          gelu.getSettings() ? dyn_cast_or_null<StringAttr>(gelu.getSettings()->get("approximate")) : StringAttr();
      kind = form && form.getValue() == "tanh" ? qfa::GateKind::gelu_tanh : qfa::GateKind::gelu;
      return peel(gelu.getInputs()[0]);
    }
    if (NodeOp mul = definedBy(value, "Mul"))
      for (unsigned side : {0, 1})
        if (NodeOp sigmoid = definedBy(peel(mul.getInputs()[side]), "Sigmoid"))
          if (peel(sigmoid.getInputs()[0]) == peel(mul.getInputs()[1 - side]))
            return peel(sigmoid.getInputs()[0]);
    return {};
  }
};

/// Add of two activations -> arith.addf
struct ResidualPattern : NodePattern {
  ResidualPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "residual") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Add"))
      return miss(rewriter, node, 0, "not an Add");
    Value a = tensorOf(node.getInputs()[0]), b = tensorOf(node.getInputs()[1]);
    if (!a || !b)
      return miss(rewriter, node, 0, "an operand is not raised");
    if (a.getType() != b.getType())
      return miss(rewriter, node, 1, "the operands differ in type");
    replace(rewriter, node, arith::AddFOp::create(rewriter, node.getLoc(), a, b));
    return success();
  }
};
} // namespace

void qfa::onnx::populateLinearPatterns(RewritePatternSet &patterns, RaiseState &state) {
  patterns.add<EmbeddingPattern, LinearPattern, GatedActivationPattern, ResidualPattern>(patterns.getContext(), state);
}
