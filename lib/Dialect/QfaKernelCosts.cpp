// Arithmetic of every kernel op: multiplications and additions, exponentials counted as one.
#include "qfa/Dialect/Qfa.h"

#include "Shapes.h"

using namespace mlir;
using namespace qfa;

static int64_t size(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }
static int64_t tokens(Value value) { return size(value) / lastDim(value); }

// Score pairs of causal attention: about half of sequence^2 per head, at most `window` keys per query.
static int64_t scorePairs(Value q, int64_t heads, std::optional<uint64_t> window) {
  int64_t s = cast<RankedTensorType>(q.getType()).getDimSize(1), pairs = s * (s + 1) / 2;
  if (window && static_cast<int64_t>(*window) < s) {
    int64_t w = *window;
    pairs = w * (w + 1) / 2 + (s - w) * w;
  }
  return pairs * heads * cast<RankedTensorType>(q.getType()).getDimSize(0);
}

int64_t EmbeddingOp::getFlops() { return 0; }
int64_t RmsNormOp::getFlops() { return 4 * size(getX()); }
int64_t LinearOp::getFlops() {
  int64_t rank = getAdapter() ? lastDim(getAdapter()) : 0;
  return 2 * tokens(getX()) * weightOut(getWeight()) * (weightIn(getWeight()) + rank);
}
int64_t RopeOp::getFlops() { return 3 * size(getX()); }
int64_t AttentionOp::getFlops() {
  return 4 * scorePairs(getQ(), getNumHeads(), getWindow()) * (lastDim(getQ()) / getNumHeads());
}
int64_t CachedAttentionOp::getFlops() {
  return 4 * tokens(getQ()) * getKeyCache().getType().getShape()[0] * lastDim(getQ());
}
int64_t GatedActivationOp::getFlops() { return 5 * size(getGate()); }
int64_t SelectTokenOp::getFlops() { return 0; }
int64_t GroupPoolOp::getFlops() { return size(getX()); }
int64_t GroupUnpoolOp::getFlops() { return getAddend() ? size(getResult()) : 0; }
int64_t AdapterDownOp::getFlops() { return 2 * size(getU()) * getWeight().getType().getRank(); }
int64_t AdapterDownGradOp::getFlops() { return 2 * size(getDy()) * getWeight().getType().getGroups(); }
int64_t CrossEntropyOp::getFlops() {
  return (getGradient() ? 4 : 2) * tokens(getH()) * weightOut(getWeight()) * weightIn(getWeight());
}
int64_t CrossEntropyWeightGradOp::getFlops() {
  return 4 * tokens(getH()) * weightOut(getWeight()) * weightIn(getWeight());
}
int64_t LinearGradOp::getFlops() {
  int64_t rank = getDadapter() ? lastDim(getDadapter()) : 0;
  return 2 * tokens(getDy()) * weightOut(getWeight()) * (weightIn(getWeight()) + rank);
}
int64_t AccumulateOuterOp::getFlops() { return 2 * size(getLeft()) * lastDim(getRight()); }
int64_t RmsNormGradOp::getFlops() { return 8 * size(getX()); }
int64_t RmsNormGainGradOp::getFlops() { return 5 * size(getX()); }
int64_t EmbeddingGradOp::getFlops() { return size(getDy()); }
int64_t AttentionGradOp::getFlops() {
  return 10 * scorePairs(getQ(), getNumHeads(), getWindow()) * (lastDim(getQ()) / getNumHeads());
}
int64_t GatedActivationGradOp::getFlops() { return 12 * size(getGate()); }
int64_t GradientNormOp::getFlops() { return 2 * getBuffer().getType().getNumElements(); }
int64_t AdamwOp::getFlops() { return 12 * getGradient().getType().getNumElements(); }
