// Attention, decomposed or native. The mask is recognised by which keys it lets through on the samples.

#include "RaisePatterns.h"
#include "RecogniseMask.h"
#include <cmath>

using namespace mlir;
using namespace qfa::onnx;

namespace {
/// Queries, keys and values split into heads, and what happens to the scores.
struct Attention {
  SplitHeadsOp q, k, v;
  double scale = 1, softcap = 0;
  std::optional<Mask> mask;
};

struct AttentionPattern : NodePattern {
  using NodePattern::NodePattern;

  /// Checks the heads and writes qfa.attention, split into heads again.
  LogicalResult rewrite(NodeOp node, Attention found, PatternRewriter &rewriter) const {
    Value q = tensorOf(found.q.getX()), k = tensorOf(found.k.getX()), v = tensorOf(found.v.getX());
    if (!q || !k || !v || found.q.getRepeat() != 1 || k.getType() != v.getType() ||
        found.k.getRepeat() != found.v.getRepeat() || found.q.getWidth() != found.v.getWidth())
      return miss(rewriter, node, 6, "queries, keys and values do not agree in heads");
    int64_t width = found.q.getWidth(), heads = cast<RankedTensorType>(q.getType()).getDimSize(2) / width;
    int64_t kvHeads = cast<RankedTensorType>(k.getType()).getDimSize(2) / width;
    if (kvHeads == 0 || heads % kvHeads ||
        (found.k.getRepeat() != 1 && heads != kvHeads * int64_t(found.k.getRepeat())))
      return miss(rewriter, node, 6, Twine(heads) + " query heads on " + Twine(kvHeads) + " key heads");
    auto logSumExp = RankedTensorType::get({ShapedType::kDynamic, heads, ShapedType::kDynamic}, rewriter.getF32Type());
    auto attention = qfa::AttentionOp::create(
        rewriter, node.getLoc(), q.getType(), logSumExp, q, k, v, rewriter.getI64IntegerAttr(heads),
        rewriter.getI64IntegerAttr(kvHeads), rewriter.getF32FloatAttr(found.scale),
        found.mask->window ? rewriter.getI64IntegerAttr(*found.mask->window) : IntegerAttr(),
        found.softcap ? rewriter.getF32FloatAttr(found.softcap) : FloatAttr());
    Value raised = FromTensorOp::create(rewriter, node.getLoc(), attention.getResult());
    rewriter.replaceOpWithNewOp<SplitHeadsOp>(node, raised, width, 1, false);
    return success();
  }
};

/// MatMul(Softmax(scale * MatMul(q, k^T) + mask), v), the scale anywhere
struct DecomposedAttentionPattern : AttentionPattern {
  DecomposedAttentionPattern(MLIRContext *context, RaiseState &state)
      : AttentionPattern(context, state, "attention", 3) {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    NodeOp softmax = node.is("MatMul") ? definedBy(peel(node.getInputs()[0]), "Softmax") : NodeOp();
    if (!softmax)
      return miss(rewriter, node, 0, "not a MatMul of a softmax");
    int64_t axis = softmax.getInt("axis", -1);
    if (axis != -1 && axis != 3)
      return miss(rewriter, node, 2, "the softmax is over axis " + Twine(axis) + ", expected the last");
    Attention found;
    found.v = peel(node.getInputs()[1]).getDefiningOp<SplitHeadsOp>();
    Value tableOfMask;
    NodeOp product = matchScores(softmax.getInputs()[0], found.scale, tableOfMask);
    if (!product)
      return miss(rewriter, node, 2, "the softmax is not of scores with scale and mask");
    found.q = peelFactor(product.getInputs()[0], state.facts, found.scale).getDefiningOp<SplitHeadsOp>();
    found.k = peelFactor(product.getInputs()[1], state.facts, found.scale).getDefiningOp<SplitHeadsOp>();
    if (!found.q || !found.k || !found.v)
      return miss(rewriter, node, 3,
                  Twine(!found.q   ? "queries"
                        : !found.k ? "keys"
                                   : "values") +
                      " are not a tensor split into heads");
    if (found.q.getTransposed() || !found.k.getTransposed() || found.v.getTransposed())
      return miss(rewriter, node, 4, "the products are not q k^T and p v");
    found.mask = tableOfMask ? recogniseMask(tableOfMask, state.facts) : std::nullopt;
    if (!found.mask)
      return miss(rewriter, node, 5,
                  tableOfMask ? "the mask is neither causal nor a sliding window" : "there is no mask");
    return rewrite(node, found, rewriter);
  }

  /// Walks from the softmax to the product of queries and keys, gathering scale and mask.
  NodeOp matchScores(Value value, double &scale, Value &mask) const {
    for (;;) {
      value = peelFactor(value, state.facts, scale);
      if (NodeOp product = definedBy(value, "MatMul"))
        return product;
      if (NodeOp where = definedBy(value, "Where")) {
        std::optional<double> fill = state.facts.scalar(where.getInputs()[2]);
        if (mask || !fill || !(*fill <= maskedScore))
          return {};
        mask = where.getInputs()[0];
        value = where.getInputs()[1];
        continue;
      }
      NodeOp add = definedBy(value, "Add");
      if (!add || mask)
        return {};
      bool second = state.facts.isKnown(add.getInputs()[1]);
      mask = add.getInputs()[second ? 1 : 0];
      value = add.getInputs()[second ? 0 : 1];
      if (!state.facts.isKnown(mask))
        return {};
    }
  }
};

/// The operator Attention on [batch, heads, sequence, width] or [batch, sequence, features].
struct NativeAttentionPattern : AttentionPattern {
  NativeAttentionPattern(MLIRContext *context, RaiseState &state)
      : AttentionPattern(context, state, "native_attention") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Attention") || node.getInputs().size() < 3)
      return miss(rewriter, node, 0, "not an Attention");
    for (unsigned cache : {4, 5})
      if (Value past = node.input(cache))
        if (const HostTensor *tensor = state.facts.get(past, 0); !tensor || tensor->size() != 0)
          return miss(rewriter, node, 1, "the cache is not empty");
    for (Value unused : node.getOutputs().drop_front())
      if (!unused.use_empty())
        return miss(rewriter, node, 1, "a result beyond the first is used");
    Attention found;
    found.q = peelFactor(node.getInputs()[0], state.facts, found.scale).getDefiningOp<SplitHeadsOp>();
    found.k = peelFactor(node.getInputs()[1], state.facts, found.scale).getDefiningOp<SplitHeadsOp>();
    found.v = peel(node.getInputs()[2]).getDefiningOp<SplitHeadsOp>();
    if (!found.q || !found.k || !found.v || found.k.getTransposed() || found.v.getTransposed())
      return miss(rewriter, node, 2, "queries, keys or values are not split into heads");
    found.scale *= node.getFloat("scale", 1 / std::sqrt(double(found.q.getWidth())));
    found.softcap = node.getFloat("softcap", 0);
    if (Value mask = node.input(3))
      found.mask = recogniseMask(mask, state.facts);
    else if (node.getInt("is_causal", 0))
      found.mask = Mask();
    if (!found.mask)
      return miss(rewriter, node, 3,
                  node.input(3) ? "the mask is neither causal nor a sliding window" : "there is no mask");
    return rewrite(node, found, rewriter);
  }
};
} // namespace

void qfa::onnx::populateAttentionPatterns(RewritePatternSet &patterns, RaiseState &state) {
  patterns.add<DecomposedAttentionPattern, NativeAttentionPattern>(patterns.getContext(), state);
}
