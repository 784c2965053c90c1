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
  if (getRounded() && !getRounded()->isF16()) // parameter_c4
    return emitOpError("is rounded to ") << *getRounded() << ", wanted f16";
  return success();
}

LogicalResult EmbeddingOp::verify() {
  auto ids = getIds().getType();
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
  if (!agree(weightIn(getWeight()), lastDim(getX()))) // linear_c1
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
  if (!divides(heads, features)) // rope_c1
    return emitOpError("num_heads ") << heads << " does not divide " << features << " features";
  int64_t rotated = 2 * getInverseFrequencies().getNumElements();
  if (!ShapedType::isDynamic(features) && rotated > features / heads) // rope_c2
    return emitOpError("rotates ") << rotated << " features, heads have " << features / heads;
  if (!getInverseFrequencies().getElementType().isF64())
    return emitOpError("inverse frequencies are ") << getInverseFrequencies().getElementType() << ", wanted f64";
  return success();
}

// attention_c1 to attention_c4, with the attributes of any of the attention ops.
template <typename OpT>
static LogicalResult verifyAttention(OpT op) {
  int64_t qFeatures = lastDim(op.getQ()), kFeatures = lastDim(op.getK());
  int64_t heads = op.getNumHeads(), kvHeads = op.getNumKvHeads();
  bool isStatic = !ShapedType::isDynamic(qFeatures) && !ShapedType::isDynamic(kFeatures);
  if (!divides(heads, qFeatures) || !divides(kvHeads, kFeatures) ||
      (isStatic && qFeatures / heads != kFeatures / kvHeads)) // attention_c1
    return op.emitOpError("has ") << qFeatures << " query features in " << heads << " heads and " << kFeatures
                                  << " key features in " << kvHeads << " heads, wanted heads of one width";
  if (heads % kvHeads != 0) // attention_c2
    return op.emitOpError("num_kv_heads ") << kvHeads << " does not divide num_heads " << heads;
  if (failed(expectLike(op, "k", op.getK(), op.getQ(), kFeatures))) // attention_c3
    return failure();
  if ((op.getWindow() && static_cast<int64_t>(*op.getWindow()) <= 0) ||
      (op.getSoftcap() && !(op.getSoftcap()->convertToDouble() > 0))) // attention_c4
    return op.emitOpError("window and softcap must be positive");
  return success();
}

static LogicalResult verifyLogSumExp(Operation *op, Value logSumExp, Value q, int64_t heads) {
  auto type = cast<RankedTensorType>(q.getType());
  return expectShape(op, "log_sum_exp", logSumExp.getType(), {type.getDimSize(0), heads, type.getDimSize(1)});
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyAttention(*this)))
    return failure();
  return verifyLogSumExp(*this, getLogSumExp(), getQ(), getNumHeads());
}

LogicalResult AttentionGradOp::verify() {
  if (failed(verifyAttention(*this))) // attention_grad_c1
    return failure();
  return verifyLogSumExp(*this, getLogSumExp(), getQ(), getNumHeads());
}

LogicalResult CachedAttentionOp::verify() {
  if (failed(verifyAttention(*this))) // cached_attention_c1
    return failure();
  ArrayRef<int64_t> cache = getKeyCache().getType().getShape();
  if (cache.size() != 2 || !agree(cache[1], lastDim(getK()))) // cached_attention_c2
    return emitOpError("cache is ") << getKeyCache().getType() << ", wanted [context, " << lastDim(getK()) << "]";
  int64_t batch = getQ().getType().getDimSize(0);
  if (!agree(batch, 1)) // cached_attention_c3
    return emitOpError("has batch ") << batch << ", wanted 1";
  return success();
}

LogicalResult SelectTokenOp::verify() {
  return expectShape(*this, "result", getResult().getType(), // select_token_c1
                     {getX().getType().getDimSize(0), 1, lastDim(getX())});
}
