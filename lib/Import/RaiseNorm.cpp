// Root-mean-square normalization, decomposed or native.

#include "RaisePatterns.h"

using namespace mlir;
using namespace qfa::onnx;

namespace {
/// Gain, input and epsilon of a norm.
struct RmsNorm {
  WeightUse gain;
  Value x;
  double epsilon = 0;
};

struct RmsNormPattern : NodePattern {
  RmsNormPattern(MLIRContext *context, RaiseState &state) : NodePattern(context, state, "rms_norm", 3) {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    RmsNorm norm;
    if (node.is("RMSNormalization")) {
      int64_t axis = node.getInt("axis", -1);
      if (axis != -1 && axis != 2)
        return miss(rewriter, node, 1, "axis " + Twine(axis) + " is not the last");
      norm = {weightUse(node.getInputs()[1]), peel(node.getInputs()[0]), node.getFloat("epsilon", 1e-5)};
    } else if (failed(matchDecomposed(node, norm, rewriter))) {
      return failure();
    }
    Value x = tensorOf(norm.x);
    if (!norm.gain.initializer || norm.gain.reversed)
      return miss(rewriter, node, 1, "the gain is not a weight");
    if (!x)
      return miss(rewriter, node, 0, "the input is not raised");
    const HostTensor *gainShape = state.facts.get(norm.gain.initializer, 0);
    if (!gainShape || gainShape->rank() != 1 ||
        gainShape->shape[0] != cast<RankedTensorType>(x.getType()).getShape().back())
      return miss(rewriter, node, 6, "the gain does not have one value per feature");
    Value gain = weight(rewriter, node, norm.gain.initializer, false);
    replace(
        rewriter, node,
        qfa::RmsNormOp::create(rewriter, node.getLoc(), x.getType(), x, gain, rewriter.getF32FloatAttr(norm.epsilon)));
    return success();
  }

  /// Mul(gain, x / sqrt(mean(x^2) + epsilon)), either order, in any of the ways to write the quotient.
  LogicalResult matchDecomposed(NodeOp node, RmsNorm &norm, PatternRewriter &rewriter) const {
    if (!node.is("Mul"))
      return miss(rewriter, node, 0, "not a Mul");
    for (unsigned side : {0, 1}) {
      norm.gain = weightUse(node.getInputs()[side]);
      if (!norm.gain.initializer)
        continue;
      Value root;
      if (!matchQuotient(peel(node.getInputs()[1 - side]), norm.x, root))
        return miss(rewriter, node, 1, "the weight is not multiplied with x / sqrt(...)");
      NodeOp sum = definedBy(root, "Add");
      if (!sum)
        return miss(rewriter, node, 3, "no epsilon is added under the root");
      for (unsigned term : {0, 1}) {
        std::optional<double> epsilon = state.facts.scalar(sum.getInputs()[term]);
        NodeOp mean = definedBy(peel(sum.getInputs()[1 - term]), "ReduceMean");
        if (!epsilon || !mean)
          continue;
        if (!isLastAxis(mean))
          return miss(rewriter, node, 5, "the mean is not over the last dimension");
        if (!isSquare(peel(mean.getInputs()[0]), norm.x))
          return miss(rewriter, node, 5, "the mean is not of the input's square");
        norm.epsilon = *epsilon;
        return success();
      }
      return miss(rewriter, node, 4, "the root is not of mean + epsilon");
    }
    return miss(rewriter, node, 0, "no operand is a weight");
  }

  /// x / sqrt(root), x * (1 / sqrt(root)) or x * reciprocal(sqrt(root)).
  bool matchQuotient(Value value, Value &x, Value &root) const {
    auto underRoot = [&](Value value) {
      NodeOp sqrt = definedBy(peel(value), "Sqrt");
      return sqrt ? peel(sqrt.getInputs()[0]) : Value();
    };
    if (NodeOp div = definedBy(value, "Div")) {
      x = peel(div.getInputs()[0]);
      root = underRoot(div.getInputs()[1]);
      return bool(root);
    }
    NodeOp mul = definedBy(value, "Mul");
    for (unsigned side : {0, 1}) {
      if (!mul)
        return false;
      Value inverse = peel(mul.getInputs()[side]);
      if (NodeOp reciprocal = definedBy(inverse, "Reciprocal"))
        root = underRoot(reciprocal.getInputs()[0]);
      else if (NodeOp div = definedBy(inverse, "Div"); div && state.facts.scalar(div.getInputs()[0]) == 1.0)
        root = underRoot(div.getInputs()[1]);
      else if (NodeOp pow = definedBy(inverse, "Pow"); pow && state.facts.scalar(pow.getInputs()[1]) == -0.5)
        root = peel(pow.getInputs()[0]);
      x = peel(mul.getInputs()[1 - side]);
      if (root)
        return true;
    }
    return false;
  }

  /// Axes are an attribute before opset 18 and an input from then on.
  bool isLastAxis(NodeOp mean) const {
    std::optional<SmallVector<int64_t>> axes = mean.getInts("axes");
    std::optional<double> axis = mean.input(1) ? state.facts.scalar(mean.input(1)) : std::nullopt;
    if (axes && axes->size() == 1)
      axis = axes->front();
    const HostTensor *x = state.facts.get(mean.getInputs()[0], 0);
    return axis && mean.getInt("keepdims", 1) && (*axis == -1 || (x && *axis == x->rank() - 1));
  }

  bool isSquare(Value value, Value x) const {
    if (NodeOp pow = definedBy(value, "Pow"))
      return peel(pow.getInputs()[0]) == x && state.facts.scalar(pow.getInputs()[1]) == 2.0;
    NodeOp mul = definedBy(value, "Mul");
    return mul && peel(mul.getInputs()[0]) == x && peel(mul.getInputs()[1]) == x;
  }
};
} // namespace

void qfa::onnx::populateNormPatterns(RewritePatternSet &patterns, RaiseState &state) {
  patterns.add<RmsNormPattern>(patterns.getContext(), state);
}
