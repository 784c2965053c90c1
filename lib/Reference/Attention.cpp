// Attention, with a cache, and backward. q: [batch, sequence, heads * width], k and v: [batch, keys, kv_heads * width].
#include "Frame.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

namespace {

// What the three attention ops have in common.
struct Heads {
  int64_t heads, kvHeads, window;
  double scale, softcap;

  template <typename OpT>
  explicit Heads(OpT op)
      : heads(op.getNumHeads()), kvHeads(op.getNumKvHeads()), window(op.getWindow().value_or(INT64_MAX)),
        scale(op.getScale().convertToDouble()), softcap(op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0) {}

  int64_t kvHead(int64_t head) const { return head / (heads / kvHeads); }
  bool sees(int64_t query, int64_t key) const { return key <= query && key > query - window; }

  double score(const double *q, const double *k, int64_t width) const {
    double product = 0;
    for (int64_t c = 0; c < width; ++c)
      product += q[c] * k[c];
    return cap(scale * product);
  }
  double cap(double score) const { return softcap > 0 ? softcap * std::tanh(score / softcap) : score; }
  // Derivative of `cap`, from its result.
  double capDerivative(double capped) const { return softcap > 0 ? 1 - (capped / softcap) * (capped / softcap) : 1; }
};

// A query attends to keys first .. position; keyAt and valueAt give the head's row of a key. Returns log_sum_exp.
template <typename KeyAt, typename ValueAt>
double attend(const Heads &heads, const double *q, int64_t width, int64_t position, KeyAt keyAt, ValueAt valueAt,
              double *result) {
  std::vector<double> scores;
  double largest = -INFINITY, sum = 0;
  for (int64_t j = 0; j <= position; ++j) {
    scores.push_back(heads.sees(position, j) ? heads.score(q, keyAt(j), width) : -INFINITY);
    largest = std::max(largest, scores[j]);
  }
  for (double score : scores)
    sum += std::exp(score - largest);
  double logSumExp = largest + std::log(sum);
  for (int64_t j = 0; j <= position; ++j)
    for (int64_t c = 0; c < width && heads.sees(position, j); ++c)
      result[c] += std::exp(scores[j] - logSumExp) * valueAt(j)[c];
  return logSumExp;
}

} // namespace

LogicalResult reference::evaluate(AttentionOp op, Frame &frame) {
  const Tensor &q = frame.tensor(op.getQ()), &k = frame.tensor(op.getK()), &v = frame.tensor(op.getV());
  Heads heads(op);
  Tokens size(q);
  int64_t width = size.features / heads.heads;
  Tensor y(q.shape), logSumExp({size.batch, heads.heads, size.sequence});
  for (int64_t b = 0; b < size.batch; ++b)
    for (int64_t h = 0; h < heads.heads; ++h)
      for (int64_t i = 0; i < size.sequence; ++i) {
        int64_t first = b * size.sequence, kvAt = heads.kvHead(h) * width;
        logSumExp.data[(b * heads.heads + h) * size.sequence + i] = attend(
            heads, q.row(first + i) + h * width, width, i, [&](int64_t j) { return k.row(first + j) + kvAt; },
            [&](int64_t j) { return v.row(first + j) + kvAt; }, y.row(first + i) + h * width);
      }
  frame.set(op.getResult(), std::move(y));
  frame.set(op.getLogSumExp(), std::move(logSumExp));
  return success();
}

LogicalResult reference::evaluate(CachedAttentionOp op, Frame &frame) {
  const Tensor &q = frame.tensor(op.getQ()), &k = frame.tensor(op.getK()), &v = frame.tensor(op.getV());
  Buffer keys = frame.buffer(op.getKeyCache()), values = frame.buffer(op.getValueCache());
  Heads heads(op);
  Tokens size(q);
  int64_t width = size.features / heads.heads, position = int64_t(frame.tensor(op.getPosition()).data[0]);
  int64_t context = op.getKeyCache().getType().getShape()[0];
  if (position < 0 || position + size.sequence > context)
    return op.emitOpError("writes rows ")
           << position << " to " << position + size.sequence - 1 << " of a cache of " << context;
  std::copy(k.data.begin(), k.data.end(), keys.begin() + position * k.features());
  std::copy(v.data.begin(), v.data.end(), values.begin() + position * v.features());
  Tensor y(q.shape);
  for (int64_t h = 0; h < heads.heads; ++h)
    for (int64_t i = 0; i < size.sequence; ++i) {
      int64_t kvAt = heads.kvHead(h) * width;
      attend(
          heads, q.row(i) + h * width, width, position + i, [&](int64_t j) { return &keys[j * k.features() + kvAt]; },
          [&](int64_t j) { return &values[j * v.features() + kvAt]; }, y.row(i) + h * width);
    }
  frame.set(op.getResult(), std::move(y));
  return success();
}

// p_ij = exp(score_ij - log_sum_exp_i); dv_j = sum_i p_ij dy_i; ds_ij = p_ij (dy_i . v_j - dy_i . y_i) cap'(score_ij);
// dq_i = scale sum_j ds_ij k_j; dk_j = scale sum_i ds_ij q_i
LogicalResult reference::evaluate(AttentionGradOp op, Frame &frame) {
  const Tensor &q = frame.tensor(op.getQ()), &k = frame.tensor(op.getK()), &v = frame.tensor(op.getV());
  const Tensor &y = frame.tensor(op.getResult()), &dy = frame.tensor(op.getDresult());
  const Tensor &logSumExp = frame.tensor(op.getLogSumExp());
  Heads heads(op);
  Tokens size(q);
  int64_t width = size.features / heads.heads;
  Tensor dq(q.shape), dk(k.shape), dv(v.shape);
  for (int64_t b = 0; b < size.batch; ++b)
    for (int64_t h = 0; h < heads.heads; ++h)
      for (int64_t i = 0; i < size.sequence; ++i) {
        int64_t row = b * size.sequence + i, at = h * width, kvAt = heads.kvHead(h) * width;
        double dyDotY = 0;
        for (int64_t c = 0; c < width; ++c)
          dyDotY += dy.row(row)[at + c] * y.row(row)[at + c];
        for (int64_t j = 0; j <= i; ++j) {
          if (!heads.sees(i, j))
            continue;
          int64_t key = b * size.sequence + j;
          double score = heads.score(q.row(row) + at, k.row(key) + kvAt, width);
          double p = std::exp(score - logSumExp.data[(b * heads.heads + h) * size.sequence + i]), dyDotV = 0;
          for (int64_t c = 0; c < width; ++c)
            dyDotV += dy.row(row)[at + c] * v.row(key)[kvAt + c];
          double ds = heads.scale * p * (dyDotV - dyDotY) * heads.capDerivative(score);
          for (int64_t c = 0; c < width; ++c) {
            dq.row(row)[at + c] += ds * k.row(key)[kvAt + c];
            dk.row(key)[kvAt + c] += ds * q.row(row)[at + c];
            dv.row(key)[kvAt + c] += p * dy.row(row)[at + c];
          }
        }
      }
  frame.set(op.getDq(), std::move(dq));
  frame.set(op.getDk(), std::move(dk));
  frame.set(op.getDv(), std::move(dv));
  return success();
}
