// Loss, gradients and the optimizer. dX is the gradient of the loss with respect to X.
#include "Frame.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

// h . w_v for every v of the vocabulary
static std::vector<double> logitsOf(const double *h, const Tensor &w) {
  std::vector<double> logits(w.rows());
  for (int64_t v = 0; v < w.rows(); ++v)
    for (int64_t k = 0; k < w.features(); ++k)
      logits[v] += h[k] * w.row(v)[k];
  return logits;
}

// For tokens with a label: loss_t = log sum_v exp(logit_v) - logit_label; dh = sum_v (p_v - [v = label]) w_v
LogicalResult reference::evaluate(CrossEntropyOp op, Frame &frame) {
  const Tensor &h = frame.tensor(op.getH()), &w = frame.weight(op.getWeight()), &labels = frame.tensor(op.getLabels());
  Tensor loss(labels.shape), logSumExp(labels.shape), dh(h.shape);
  for (int64_t t = 0; t < h.rows(); ++t) {
    std::vector<double> logits = logitsOf(h.row(t), w);
    double largest = *std::max_element(logits.begin(), logits.end()), sum = 0;
    for (double logit : logits)
      sum += std::exp(logit - largest);
    logSumExp.data[t] = largest + std::log(sum);
    int64_t label = int64_t(labels.data[t]);
    if (label < 0)
      continue;
    if (label >= w.rows())
      return op.emitOpError("label ") << label << " is outside the vocabulary of " << w.rows();
    loss.data[t] = logSumExp.data[t] - logits[label];
    for (int64_t v = 0; v < w.rows(); ++v)
      for (int64_t k = 0; k < w.features(); ++k)
        dh.row(t)[k] += (std::exp(logits[v] - logSumExp.data[t]) - (v == label)) * w.row(v)[k];
  }
  frame.set(op.getLoss(), std::move(loss));
  frame.set(op.getLogSumExp(), std::move(logSumExp));
  if (op.getGradient())
    frame.set(op.getGradient(), std::move(dh));
  return success();
}

// dW[v, :] += sum over tokens with a label of (p_v - [v = label]) h
LogicalResult reference::evaluate(CrossEntropyWeightGradOp op, Frame &frame) {
  const Tensor &h = frame.tensor(op.getH()), &w = frame.tensor(op.getWeight()), &labels = frame.tensor(op.getLabels());
  const Tensor &logSumExp = frame.tensor(op.getLogSumExp());
  Buffer into = frame.buffer(op.getInto());
  for (int64_t t = 0; t < h.rows(); ++t) {
    int64_t label = int64_t(labels.data[t]);
    if (label < 0)
      continue;
    std::vector<double> logits = logitsOf(h.row(t), w);
    for (int64_t v = 0; v < w.rows(); ++v)
      for (int64_t k = 0; k < w.features(); ++k)
        into[v * w.features() + k] += (std::exp(logits[v] - logSumExp.data[t]) - (v == label)) * h.row(t)[k];
  }
  return success();
}

// dx = dy W + addend; dadapter = dy B
LogicalResult reference::evaluate(LinearGradOp op, Frame &frame) {
  const Tensor &dy = frame.tensor(op.getDy()), &w = frame.weight(op.getWeight());
  Tensor dx = op.getAddend() ? frame.tensor(op.getAddend()) : Tensor(dy.withFeatures(w.features()));
  for (int64_t t = 0; t < dy.rows(); ++t)
    for (int64_t n = 0; n < w.rows(); ++n)
      for (int64_t k = 0; k < w.features(); ++k)
        dx.row(t)[k] += dy.row(t)[n] * w.row(n)[k];
  frame.set(op.getDx(), std::move(dx));
  if (!op.getDadapter())
    return success();
  const Tensor &b = frame.elastic(op.getWeight()).b->value;
  Tensor dadapter(dy.withFeatures(b.features()));
  for (int64_t t = 0; t < dy.rows(); ++t)
    for (int64_t n = 0; n < b.rows(); ++n)
      for (int64_t r = 0; r < b.features(); ++r)
        dadapter.row(t)[r] += dy.row(t)[n] * b.row(n)[r];
  frame.set(op.getDadapter(), std::move(dadapter));
  return success();
}

// into[n, m] += scale * sum_t left[t, n] * right[t, m]
LogicalResult reference::evaluate(AccumulateOuterOp op, Frame &frame) {
  const Tensor &left = frame.tensor(op.getLeft()), &right = frame.tensor(op.getRight());
  Buffer into = frame.buffer(op.getInto());
  double scale = op.getScale().convertToDouble();
  for (int64_t t = 0; t < left.rows(); ++t)
    for (int64_t n = 0; n < left.features(); ++n)
      for (int64_t m = 0; m < right.features(); ++m)
        into[n * right.features() + m] += scale * left.row(t)[n] * right.row(t)[m];
  return success();
}

// 1 / sqrt(mean(x^2) + epsilon) of one token
static double reciprocalRms(const double *x, int64_t features, double epsilon) {
  double squares = 0;
  for (int64_t k = 0; k < features; ++k)
    squares += x[k] * x[k];
  return 1 / std::sqrt(squares / features + epsilon);
}

// With d = gain * dy: dx = r * (d - x * r^2 * mean(d * x)) + addend
LogicalResult reference::evaluate(RmsNormGradOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()), &gain = frame.tensor(op.getGain()), &dy = frame.tensor(op.getDy());
  Tensor dx = op.getAddend() ? frame.tensor(op.getAddend()) : Tensor(x.shape);
  int64_t features = x.features();
  for (int64_t t = 0; t < x.rows(); ++t) {
    double r = reciprocalRms(x.row(t), features, op.getEpsilon().convertToDouble()), mean = 0;
    for (int64_t k = 0; k < features; ++k)
      mean += gain.data[k] * dy.row(t)[k] * x.row(t)[k] / features;
    for (int64_t k = 0; k < features; ++k)
      dx.row(t)[k] += r * (gain.data[k] * dy.row(t)[k] - x.row(t)[k] * r * r * mean);
  }
  frame.set(op.getDx(), std::move(dx));
  return success();
}

// dgain += sum_t dy * x * r
LogicalResult reference::evaluate(RmsNormGainGradOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()), &dy = frame.tensor(op.getDy());
  Buffer into = frame.buffer(op.getInto());
  for (int64_t t = 0; t < x.rows(); ++t) {
    double r = reciprocalRms(x.row(t), x.features(), op.getEpsilon().convertToDouble());
    for (int64_t k = 0; k < x.features(); ++k)
      into[k] += dy.row(t)[k] * x.row(t)[k] * r;
  }
  return success();
}

// dtable[ids[t], :] += dy[t, :]
LogicalResult reference::evaluate(EmbeddingGradOp op, Frame &frame) {
  const Tensor &ids = frame.tensor(op.getIds()), &dy = frame.tensor(op.getDy());
  Buffer into = frame.buffer(op.getInto());
  int64_t rows = op.getInto().getType().getShape()[0];
  for (int64_t t = 0; t < ids.size(); ++t) {
    int64_t id = int64_t(ids.data[t]);
    if (id < 0 || id >= rows)
      return op.emitOpError("identifier ") << id << " is outside the table of " << rows << " rows";
    for (int64_t k = 0; k < dy.features(); ++k)
      into[id * dy.features() + k] += dy.row(t)[k];
  }
  return success();
}

double reference::activationDerivative(GateKind kind, double x) {
  switch (kind) {
  case GateKind::silu: {
    double sigmoid = 1 / (1 + std::exp(-x));
    return sigmoid * (1 + x * (1 - sigmoid));
  }
  case GateKind::gelu: // Phi(x) + x phi(x)
    return (1 + std::erf(x / std::sqrt(2.0))) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  case GateKind::gelu_tanh: {
    double root = std::sqrt(2 / M_PI), tanh = std::tanh(root * (x + 0.044715 * x * x * x));
    return (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * root * (1 + 3 * 0.044715 * x * x);
  }
  }
  llvm_unreachable("unknown gate");
}

// dgate = dy * up * activation'(gate); dup = dy * activation(gate)
LogicalResult reference::evaluate(GatedActivationGradOp op, Frame &frame) {
  const Tensor &gate = frame.tensor(op.getGate()), &up = frame.tensor(op.getUp()), &dy = frame.tensor(op.getDy());
  Tensor dgate(gate.shape), dup(gate.shape);
  for (int64_t i = 0; i < gate.size(); ++i) {
    dgate.data[i] = dy.data[i] * up.data[i] * activationDerivative(op.getKind(), gate.data[i]);
    dup.data[i] = dy.data[i] * activation(op.getKind(), gate.data[i]);
  }
  frame.set(op.getDgate(), std::move(dgate));
  frame.set(op.getDup(), std::move(dup));
  return success();
}

LogicalResult reference::evaluate(GradientNormOp op, Frame &frame) {
  Tensor result({1});
  for (double value : frame.buffer(op.getBuffer()))
    result.data[0] += value * value;
  frame.set(op.getResult(), std::move(result));
  return success();
}

// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= lr * (m / c1 / (sqrt(v / c2) + eps) + wd * w)
LogicalResult reference::evaluate(AdamwOp op, Frame &frame) {
  Trained &trained = frame.trained(op.getTrainable());
  Buffer gradient = frame.buffer(op.getGradient());
  const std::vector<double> &hyper = frame.tensor(op.getHyper()).data;
  double lr = hyper[0], b1 = hyper[1], b2 = hyper[2], eps = hyper[3], wd = hyper[4], gradientScale = hyper[6];
  trained.m.resize(gradient.size());
  trained.v.resize(gradient.size());
  trained.steps += 1;
  double c1 = 1 - std::pow(b1, trained.steps), c2 = 1 - std::pow(b2, trained.steps);
  for (size_t i = 0; i < gradient.size(); ++i) {
    double g = gradient[i] * gradientScale, &m = trained.m[i], &v = trained.v[i], &w = trained.value.data[i];
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    w -= lr * (m / c1 / (std::sqrt(v / c2) + eps) + wd * w);
  }
  return success();
}
