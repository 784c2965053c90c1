// Views are raised by what they show: indices pushed through a chain of reshapes, transposes, slices, expands and casts
// tell whether it is the identity or features split into heads, however an exporter spelled it.

#include "RaisePatterns.h"

using namespace mlir;
using namespace qfa::onnx;

/// Whether `dims` are [B, heads, S, width], or with the last two exchanged.
static bool looksLikeHeads(ArrayRef<Dim> dims, bool &transposed) {
  auto isBatch = [](Dim d) { return d.coefficient == 1 && d.batch && !d.sequence; };
  auto isSequence = [](Dim d) { return d.coefficient == 1 && !d.batch && d.sequence; };
  auto isConstant = [](Dim d) { return d.coefficient > 0 && !d.batch && !d.sequence; };
  transposed = dims.size() == 4 && isSequence(dims[3]);
  return dims.size() == 4 && isBatch(dims[0]) && isConstant(dims[1]) && isSequence(dims[transposed ? 3 : 2]) &&
         isConstant(dims[transposed ? 2 : 3]);
}

namespace {
/// A chain of views that ends in its own source, or in the source split into heads.
struct ViewPattern : NodePattern {
  ViewPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "view", 5) {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (node.getDomain() || node.getNumResults() != 1 ||
        !llvm::is_contained({"Identity", "Dropout", "Cast", "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze",
                             "Expand", "Slice", "Tile", "Concat"},
                            node.getType()))
      return miss(rewriter, node, 0, "not a view");
    std::optional<SmallVector<Dim>> dims = state.facts.dims(node.getResult(0));
    if (!dims || state.facts.isKnown(node.getResult(0)))
      return miss(rewriter, node, 0, "shape is not a multiple of batch and sequence");
    bool transposed = false, heads = looksLikeHeads(*dims, transposed);
    if (!heads && dims->size() > 3)
      return miss(rewriter, node, 0, "neither the source's shape nor heads");
    HostTensor shown;
    Value source = state.facts.followViews(node.getResult(0), shown);
    if (!source || !source.getDefiningOp<FromTensorOp>())
      return miss(rewriter, node, 0, "source is not raised");
    const HostTensor &x = *state.facts.get(source, 0);
    if (isIdentity(x, shown)) {
      rewriter.replaceOp(node, source);
      return success();
    }
    int64_t repeat = 0;
    if (!heads || x.rank() != 3 || !isSplit(x, shown, transposed, repeat))
      return miss(rewriter, node, 1, "the view is neither the identity nor a split into heads");
    rewriter.replaceOpWithNewOp<SplitHeadsOp>(node, source, shown.shape[transposed ? 2 : 3], repeat, transposed);
    return success();
  }

  static bool isIdentity(const HostTensor &x, const HostTensor &shown) {
    if (shown.shape != x.shape)
      return false;
    for (size_t i = 0; i < shown.words.size(); ++i)
      if (shown.words[i] != i + 1)
        return false;
    return true;
  }

  /// shown[b, h, s, d] = x[b, s, (h / repeat) * width + d]
  static bool isSplit(const HostTensor &x, const HostTensor &shown, bool transposed, int64_t &repeat) {
    int64_t sequence = x.shape[1], features = x.shape[2], heads = shown.shape[1],
            width = shown.shape[transposed ? 2 : 3];
    if (!features || shown.shape[0] != x.shape[0] || heads * width % features)
      return false;
    repeat = heads * width / features;
    if (heads % repeat)
      return false;
    for (int64_t i = 0, size = shown.size(); i < size; ++i) {
      int64_t inner = i % (sequence * width), s = transposed ? inner % sequence : inner / width;
      int64_t d = transposed ? inner / sequence : inner % width;
      int64_t h = i / (sequence * width) % heads, b = i / (sequence * width * heads);
      if (shown.integer(i) != 1 + (b * sequence + s) * features + h / repeat * width + d)
        return false;
    }
    return true;
  }
};

/// Where(IsNaN(p), 0, p) after a softmax guards rows without any key; a causal mask leaves none.
struct GuardPattern : NodePattern {
  GuardPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "nan_guard", 5) {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Where"))
      return miss(rewriter, node, 0, "not a Where");
    Value probabilities = node.getInputs()[2];
    NodeOp isNaN = definedBy(node.getInputs()[0], "IsNaN");
    if (!isNaN || isNaN.getInputs()[0] != probabilities || !definedBy(peel(probabilities), "Softmax"))
      return miss(rewriter, node, isNaN ? 2 : 1, "the condition is not IsNaN of a softmax");
    rewriter.replaceOp(node, probabilities);
    return success();
  }
};

/// A raised value leaves the graph.
struct ToTensorPattern : OpRewritePattern<ToTensorOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ToTensorOp op, PatternRewriter &rewriter) const override {
    Value tensor = tensorOf(op.getValue());
    if (!tensor)
      return rewriter.notifyMatchFailure(op, "value is not raised");
    rewriter.replaceOp(op, tensor);
    return success();
  }
};
} // namespace

void qfa::onnx::populateViewPatterns(RewritePatternSet &patterns, RaiseState &state) {
  patterns.add<ViewPattern, GuardPattern>(patterns.getContext(), state);
  patterns.add<ToTensorPattern>(patterns.getContext());
}
