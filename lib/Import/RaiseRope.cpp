// Rotary position embedding. The rotation is recognised by which elements change places and sign, the angles by the
// values of the tables of cosines and sines.

#include "RaisePatterns.h"
#include <cmath>

using namespace mlir;
using namespace qfa::onnx;

namespace {
/// cos(position * frequency) * scaling in every row of the tables.
struct Angles {
  SmallVector<double> frequencies; // one per column
  double scaling = 1;
};
} // namespace

/// Reads frequencies and scaling off the tables [.., S, columns]; false with the reason when they are no such tables.
static bool recogniseAngles(Value cosines, Value sines, ShapeFacts &facts, Angles &angles, StringRef &reason) {
  reason = "cosines and sines do not follow from positions alone";
  if (!facts.isKnown(cosines) || !facts.isKnown(sines))
    return false;
  for (unsigned i = ShapeFacts::samples.size(); i-- > 0;) {
    const HostTensor &c = *facts.get(cosines, i), &s = *facts.get(sines, i);
    int64_t sequence = ShapeFacts::samples[i].sequence, columns = c.rank() ? c.shape.back() : 0;
    reason = "the tables are not [sequence, columns] in every batch row";
    if (c.rank() < 2 || c.shape != s.shape || c.shape[c.rank() - 2] != sequence || !columns ||
        (c.size() != sequence * columns && c.size() != sequence * columns * ShapeFacts::samples[i].batch))
      return false;
    if (angles.frequencies.empty()) {
      angles.scaling = c.number(0);
      for (int64_t d = 0; d < columns; ++d) {
        double exact = std::atan2(s.number(columns + d), c.number(columns + d));
        double stored = float(exact); // frequencies are stored as floats; undo the rounding of the arcus
        angles.frequencies.push_back(std::abs(exact - stored) <= 1e-12 * std::abs(exact) ? stored : exact);
      }
    }
    reason = "the angles are not position times frequency";
    if (int64_t(angles.frequencies.size()) != columns || !(angles.scaling > 0))
      return false;
    for (int64_t j = 0, size = c.size(); j < size; ++j) {
      double angle = double(j / columns % sequence) * angles.frequencies[j % columns];
      if (!(std::abs(c.number(j) - angles.scaling * std::cos(angle)) <= 1e-6 * angles.scaling) ||
          !(std::abs(s.number(j) - angles.scaling * std::sin(angle)) <= 1e-6 * angles.scaling))
        return false;
    }
  }
  return true;
}

/// Whether `rotated` shows the pairs of `x` [.., width] as (-second, first): halves, or neighbours when interleaved.
static bool isRotation(const HostTensor &x, const HostTensor &rotated, bool interleaved) {
  if (x.shape != rotated.shape || x.shape.back() % 2)
    return false;
  int64_t width = x.shape.back(), distance = interleaved ? 1 : width / 2;
  for (int64_t i = 0, size = x.size(); i < size; ++i) {
    bool first = interleaved ? i % 2 == 0 : i % width < distance;
    if (rotated.integer(i) != (first ? -x.integer(i + distance) : x.integer(i - distance)))
      return false;
  }
  return true;
}

namespace {
/// Shared end of both forms: qfa.rope on the features, split into heads again.
struct RopePattern : NodePattern {
  using NodePattern::NodePattern;

  LogicalResult rewrite(NodeOp node, Value value, Angles angles, bool interleaved, PatternRewriter &rewriter) const {
    auto heads = value.getDefiningOp<SplitHeadsOp>();
    Value x = tensorOf(heads ? heads.getX() : value);
    if (!x || (heads && (heads.getRepeat() != 1 || heads.getTransposed())))
      return miss(rewriter, node, 1, "the input is not raised and split into heads");
    auto type = cast<RankedTensorType>(x.getType());
    int64_t features = type.getDimSize(2),
            width = heads ? int64_t(heads.getWidth()) : features / node.getInt("num_heads", 1);
    auto frequencies =
        DenseElementsAttr::get(RankedTensorType::get({int64_t(angles.frequencies.size())}, rewriter.getF64Type()),
                               ArrayRef<double>(angles.frequencies));
    Value rope = qfa::RopeOp::create(
        rewriter, node.getLoc(), type, x, Value(), rewriter.getI64IntegerAttr(features / width), frequencies,
        rewriter.getF32FloatAttr(angles.scaling), interleaved ? rewriter.getUnitAttr() : UnitAttr(), UnitAttr());
    if (!heads) {
      replace(rewriter, node, rope);
      return success();
    }
    Value raised = FromTensorOp::create(rewriter, node.getLoc(), rope);
    rewriter.replaceOpWithNewOp<SplitHeadsOp>(node, raised, width, 1, false);
    return success();
  }
};

/// x * cos + rotate(x) * sin
struct DecomposedRopePattern : RopePattern {
  DecomposedRopePattern(MLIRContext *context, RaiseState &state) : RopePattern(context, state, "rope", 3) {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("Add"))
      return miss(rewriter, node, 0, "not an Add");
    NodeOp a = definedBy(peel(node.getInputs()[0]), "Mul"), b = definedBy(peel(node.getInputs()[1]), "Mul");
    if (!a || !b)
      return miss(rewriter, node, 0, "not a sum of products");
    Value x, cosines, rotated, sines;
    if (!splitProduct(a, x, cosines) || !splitProduct(b, rotated, sines))
      return miss(rewriter, node, 1, "the products are not with tables");
    if (!x.getDefiningOp<SplitHeadsOp>()) {
      std::swap(x, rotated);
      std::swap(cosines, sines);
    }
    HostTensor shownX, shownRotated;
    Value source = state.facts.followViews(x, shownX);
    if (!x.getDefiningOp<SplitHeadsOp>() || !source || state.facts.followViews(rotated, shownRotated) != source)
      return miss(rewriter, node, 3, "the products are not of one tensor split into heads");
    bool interleaved = isRotation(shownX, shownRotated, true);
    if (!interleaved && !isRotation(shownX, shownRotated, false))
      return miss(rewriter, node, 4, "the second product is not of the rotated input");
    Angles angles;
    StringRef reason;
    if (!recogniseAngles(cosines, sines, state.facts, angles, reason))
      return miss(rewriter, node, 5, reason);
    // Both members of a pair have the same angle.
    int64_t width = shownX.shape.back();
    SmallVector<double> half;
    for (int64_t i = 0; i < width / 2; ++i) {
      int64_t first = interleaved ? 2 * i : i, second = interleaved ? 2 * i + 1 : i + width / 2;
      if (int64_t(angles.frequencies.size()) != width || angles.frequencies[first] != angles.frequencies[second])
        return miss(rewriter, node, 6, "the members of a pair have different angles");
      half.push_back(angles.frequencies[first]);
    }
    angles.frequencies = half;
    return rewrite(node, x, angles, interleaved, rewriter);
  }

  /// A product with a table that follows from positions.
  bool splitProduct(NodeOp mul, Value &x, Value &table) const {
    for (unsigned side : {0, 1})
      if (state.facts.isKnown(mul.getInputs()[side])) {
        table = mul.getInputs()[side];
        x = peel(mul.getInputs()[1 - side]);
        return !state.facts.isKnown(x);
      }
    return false;
  }
};

/// The operator RotaryEmbedding with tables [batch, sequence, width / 2].
struct NativeRopePattern : RopePattern {
  NativeRopePattern(MLIRContext *context, RaiseState &state) : RopePattern(context, state, "rotary_embedding") {}

  LogicalResult matchAndRewrite(NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.is("RotaryEmbedding") || node.getInputs().size() < 3)
      return miss(rewriter, node, 0, "not a RotaryEmbedding");
    if (node.input(3))
      return miss(rewriter, node, 1,
                  "tables are looked up by position_ids, expected tables for every position in order");
    Angles angles;
    StringRef reason;
    if (!recogniseAngles(node.getInputs()[1], node.getInputs()[2], state.facts, angles, reason))
      return miss(rewriter, node, 1, reason);
    return rewrite(node, peel(node.getInputs()[0]), angles, node.getInt("interleaved", 0), rewriter);
  }
};
} // namespace

void qfa::onnx::populateRopePatterns(RewritePatternSet &patterns, RaiseState &state) {
  patterns.add<DecomposedRopePattern, NativeRopePattern>(patterns.getContext(), state);
}
