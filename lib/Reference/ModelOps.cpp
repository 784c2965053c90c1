// What a decoder computes, as the ops' descriptions say it.
#include "Frame.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

LogicalResult reference::evaluate(WeightOp op, Frame &frame) {
  auto parameter = SymbolTable::lookupNearestSymbolFrom<ParameterOp>(op, op.getParameterAttr());
  Trained *trained = frame.interpreter.parameter(parameter);
  if (!trained)
    return failure();
  frame.bind(op.getResult(), TensorRef(TensorRef(), &trained->value)); // the interpreter owns it
  return success();
}

// y[b, s, :] = table[ids[b, s], :]
LogicalResult reference::evaluate(EmbeddingOp op, Frame &frame) {
  const Tensor &ids = frame.tensor(op.getIds()), &table = frame.weight(op.getTable());
  Tensor y({ids.shape[0], ids.shape[1], table.features()});
  for (int64_t t = 0; t < ids.size(); ++t) {
    double id = ids.data[t];
    if (id < 0 || id >= table.rows())
      return op.emitOpError("identifier ") << int64_t(id) << " is outside the table of " << table.rows() << " rows";
    std::copy_n(table.row(int64_t(id)), table.features(), y.row(t));
  }
  frame.set(op.getResult(), std::move(y));
  return success();
}

// y = x / sqrt(mean(x^2) + epsilon) * gain
LogicalResult reference::evaluate(RmsNormOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()), &gain = frame.tensor(op.getGain());
  double epsilon = op.getEpsilon().convertToDouble();
  Tensor y(x.shape);
  for (int64_t t = 0; t < x.rows(); ++t) {
    double squares = 0;
    for (int64_t k = 0; k < x.features(); ++k)
      squares += x.row(t)[k] * x.row(t)[k];
    double r = 1 / std::sqrt(squares / x.features() + epsilon);
    for (int64_t k = 0; k < x.features(); ++k)
      y.row(t)[k] = x.row(t)[k] * r * gain.data[k];
  }
  frame.set(op.getResult(), std::move(y));
  return success();
}

// y[t, n] = sum_k x[t, k] w[n, k] + sum_r adapter[t, r] B[n, r]
LogicalResult reference::evaluate(LinearOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()), &w = frame.weight(op.getWeight());
  Tensor y(x.withFeatures(w.rows()));
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t n = 0; n < w.rows(); ++n)
      for (int64_t k = 0; k < x.features(); ++k)
        y.row(t)[n] += x.row(t)[k] * w.row(n)[k];
  if (op.getAdapter()) {
    const Tensor &adapter = frame.tensor(op.getAdapter()), &b = frame.elastic(op.getWeight()).b->value;
    for (int64_t t = 0; t < x.rows(); ++t)
      for (int64_t n = 0; n < w.rows(); ++n)
        for (int64_t r = 0; r < b.features(); ++r)
          y.row(t)[n] += adapter.row(t)[r] * b.row(n)[r];
  }
  frame.set(op.getResult(), std::move(y));
  return success();
}

// Per head, pair (i, j): (x_i, x_j) -> scaling * (x_i cos a - x_j sin a, x_j cos a + x_i sin a), a = position *
// frequency_i
LogicalResult reference::evaluate(RopeOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Tokens size(x);
  int64_t heads = op.getNumHeads(), width = size.features / heads;
  int64_t first = op.getPosition() ? int64_t(frame.tensor(op.getPosition()).data[0]) : 0;
  double scaling = op.getScaling().convertToDouble();
  std::vector<double> frequencies;
  for (APFloat frequency : op.getInverseFrequencies().getValues<APFloat>())
    frequencies.push_back(frequency.convertToDouble());
  int64_t d = frequencies.size();
  Tensor y = x; // what is not rotated is copied
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t h = 0; h < heads; ++h) {
      const double *from = x.row(t) + h * width;
      double *to = y.row(t) + h * width;
      for (int64_t i = 0; i < d; ++i) {
        double angle = (first + t % size.sequence) * frequencies[i];
        double cosine = std::cos(angle), sine = op.getInverse() ? -std::sin(angle) : std::sin(angle);
        int64_t left = op.getInterleaved() ? 2 * i : i, right = op.getInterleaved() ? 2 * i + 1 : i + d;
        to[left] = scaling * (from[left] * cosine - from[right] * sine);
        to[right] = scaling * (from[right] * cosine + from[left] * sine);
      }
    }
  frame.set(op.getResult(), std::move(y));
  return success();
}

static const double root2OverPi = std::sqrt(2 / M_PI);

double reference::activation(GateKind kind, double x) {
  switch (kind) {
  case GateKind::silu:
    return x / (1 + std::exp(-x));
  case GateKind::gelu:
    return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  case GateKind::gelu_tanh:
    return x * (1 + std::tanh(root2OverPi * (x + 0.044715 * x * x * x))) / 2;
  }
  llvm_unreachable("unknown gate");
}

// y = activation(gate) * up
LogicalResult reference::evaluate(GatedActivationOp op, Frame &frame) {
  const Tensor &gate = frame.tensor(op.getGate()), &up = frame.tensor(op.getUp());
  Tensor y(gate.shape);
  for (int64_t i = 0; i < y.size(); ++i)
    y.data[i] = activation(op.getKind(), gate.data[i]) * up.data[i];
  frame.set(op.getResult(), std::move(y));
  return success();
}

// y[b, 0, :] = x[b, index, :]
LogicalResult reference::evaluate(SelectTokenOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Tokens size(x);
  double index = frame.tensor(op.getIndex()).data[0];
  if (index < 0 || index >= size.sequence)
    return op.emitOpError("index ") << int64_t(index) << " is outside the sequence of " << size.sequence;
  Tensor y({size.batch, 1, size.features});
  for (int64_t b = 0; b < size.batch; ++b)
    std::copy_n(x.row(b * size.sequence + int64_t(index)), size.features, y.row(b));
  frame.set(op.getResult(), std::move(y));
  return success();
}
