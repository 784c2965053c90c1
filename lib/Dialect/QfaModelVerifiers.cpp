// Verifiers of the model ops; each check carries its constraint's number.
#include "qfa/Dialect/Qfa.h"

#include "Shapes.h"

using namespace mlir;
using namespace qfa;

LogicalResult ParameterOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isF32()) // parameter_c1
    return emitOpError("has type ") << getType() << ", wanted a static tensor of f32";
  Type storage = getStorage();
  if (!storage.isF32() && !storage.isF16() && !storage.isBF16())
    return emitOpError("is stored as ") << storage << ", wanted f32, f16 or bf16";
  int64_t bytes = type.getNumElements() * (storage.getIntOrFloatBitWidth() / 8);
  if (!getFile().empty() && static_cast<int64_t>(getBytes()) != bytes) // parameter_c2
    return emitOpError("has ") << getBytes() << " bytes, wanted " << bytes << " for " << type << " stored as "
                               << storage;
  if (getTransposed() && type.getRank() != 2) // parameter_c3
    return emitOpError("is transposed but has rank ") << type.getRank() << ", wanted 2";
  return success();
}

LogicalResult EmbeddingOp::verify() {
  auto ids = getIds().getType();
  if (ids.getRank() != 2)
    return emitOpError("identifiers have rank ") << ids.getRank() << ", wanted 2";
  return expectShape(*this, "result", getResult().getType(), // embedding_c1
                     {ids.getDimSize(0), ids.getDimSize(1), weightIn(getTable())});
}

LogicalResult RmsNormOp::verify() {
  if (failed(expectShape(*this, "gain", getGain().getType(), {lastDim(getX())}))) // rms_norm_c1
    return failure();
  if (getEpsilon().isNegative()) // rms_norm_c2
    return emitOpError("epsilon is negative");
  return success();
}

LogicalResult LinearOp::verify() {
  if (weightIn(getWeight()) != lastDim(getX())) // linear_c1
    return emitOpError("weight has input width ")
           << weightIn(getWeight()) << ", x has " << lastDim(getX()) << " features";
  if (getAdapter()) { // linear_c2
    auto elastic = dyn_cast<ElasticType>(getWeight().getType());
    if (!elastic)
      return emitOpError("has an adapter but its weight is not elastic");
    if (failed(expectLike(*this, "adapter", getAdapter(), getX(), elastic.getRank())))
      return failure();
  }
  return expectLike(*this, "result", getResult(), getX(), weightOut(getWeight())); // linear_c3
}

LogicalResult RopeOp::verify() {
  int64_t features = lastDim(getX()), heads = getNumHeads();
  if (heads <= 0 || features % heads != 0) // rope_c1
    return emitOpError("num_heads ") << heads << " does not divide " << features << " features";
  int64_t rotated = 2 * getInverseFrequencies().getNumElements();
  if (rotated > features / heads) // rope_c2
    return emitOpError("rotates ") << rotated << " features, heads have " << features / heads;
  if (!getInverseFrequencies().getElementType().isF64())
    return emitOpError("inverse frequencies are ") << getInverseFrequencies().getElementType() << ", wanted f64";
  return success();
}

static LogicalResult verifyHeads(Operation *op, Value q, Value k, int64_t heads, int64_t kvHeads,
                                 std::optional<uint64_t> window, std::optional<APFloat> softcap) {
  int64_t qFeatures = lastDim(q), kFeatures = lastDim(k);
  if (heads <= 0 || kvHeads <= 0 || qFeatures % heads != 0 || kFeatures % kvHeads != 0 ||
      qFeatures / heads != kFeatures / kvHeads) // attention_c1
    return op->emitOpError("has ") << qFeatures << " query features in " << heads << " heads and " << kFeatures
                                   << " key features in " << kvHeads << " heads, wanted heads of one width";
  if (heads % kvHeads != 0) // attention_c2
    return op->emitOpError("num_kv_heads ") << kvHeads << " does not divide num_heads " << heads;
  if ((window && static_cast<int64_t>(*window) <= 0) || (softcap && !(softcap->convertToDouble() > 0))) // attention_c4
    return op->emitOpError("window and softcap must be positive");
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyHeads(*this, getQ(), getK(), getNumHeads(), getNumKvHeads(), getWindow(), getSoftcap())))
    return failure();
  auto q = getQ().getType();
  if (failed(expectLike(*this, "k", getK(), getQ(), lastDim(getK())))) // attention_c3
    return failure();
  return expectShape(*this, "log_sum_exp", getLogSumExp().getType(),
                     {q.getDimSize(0), static_cast<int64_t>(getNumHeads()), q.getDimSize(1)});
}

LogicalResult CachedAttentionOp::verify() {
  if (failed(verifyHeads(*this, getQ(), getK(), getNumHeads(), getNumKvHeads(), getWindow(),
                         getSoftcap()))) // cached_attention_c1
    return failure();
  ArrayRef<int64_t> cache = getKeyCache().getType().getShape();
  if (cache.size() != 2 || cache[1] != lastDim(getK())) // cached_attention_c2
    return emitOpError("cache is ") << getKeyCache().getType() << ", wanted [context, " << lastDim(getK()) << "]";
  int64_t batch = getQ().getType().getDimSize(0);
  if (batch != 1) // cached_attention_c3
    return emitOpError("has batch ") << batch << ", wanted 1";
  return success();
}

LogicalResult SelectTokenOp::verify() {
  return expectShape(*this, "result", getResult().getType(), // select_token_c1
                     {getX().getType().getDimSize(0), 1, lastDim(getX())});
}
