// Elastic weights, group pooling and the adapter's down product.
#include "Frame.h"

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

LogicalResult reference::evaluate(ElasticRefOp op, Frame &frame) {
  auto elastic = SymbolTable::lookupNearestSymbolFrom<ElasticOp>(op, op.getElasticAttr());
  FailureOr<ElasticRow> row = frame.interpreter.elastic(elastic);
  if (failed(row))
    return failure();
  frame.bind(op.getResult(), *row);
  return success();
}

// y[t, j] = sum of x[t, j * group .. (j + 1) * group - 1]
LogicalResult reference::evaluate(GroupPoolOp op, Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  int64_t group = op.getGroup();
  Tensor y(x.withFeatures(x.features() / group));
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t k = 0; k < x.features(); ++k)
      y.row(t)[k / group] += x.row(t)[k];
  frame.set(op.getResult(), std::move(y));
  return success();
}

// y[t, k] = u[t, k / group] + addend[t, k]
LogicalResult reference::evaluate(GroupUnpoolOp op, Frame &frame) {
  const Tensor &u = frame.tensor(op.getU());
  int64_t group = op.getGroup();
  Tensor y = op.getAddend() ? frame.tensor(op.getAddend()) : Tensor(u.withFeatures(u.features() * group));
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t k = 0; k < y.features(); ++k)
      y.row(t)[k] += u.row(t)[k / group];
  frame.set(op.getResult(), std::move(y));
  return success();
}

// y[t, r] = scale * sum_j u[t, j] A[r, j]
LogicalResult reference::evaluate(AdapterDownOp op, Frame &frame) {
  const Tensor &u = frame.tensor(op.getU()), &a = frame.elastic(op.getWeight()).a->value;
  double scale = op.getScale().convertToDouble();
  Tensor y(u.withFeatures(a.rows()));
  for (int64_t t = 0; t < u.rows(); ++t)
    for (int64_t r = 0; r < a.rows(); ++r)
      for (int64_t j = 0; j < a.features(); ++j)
        y.row(t)[r] += scale * u.row(t)[j] * a.row(r)[j];
  frame.set(op.getResult(), std::move(y));
  return success();
}

// du[t, j] = scale * sum_r dy[t, r] A[r, j]
LogicalResult reference::evaluate(AdapterDownGradOp op, Frame &frame) {
  const Tensor &dy = frame.tensor(op.getDy()), &a = frame.elastic(op.getWeight()).a->value;
  double scale = op.getScale().convertToDouble();
  Tensor du(dy.withFeatures(a.features()));
  for (int64_t t = 0; t < dy.rows(); ++t)
    for (int64_t r = 0; r < a.rows(); ++r)
      for (int64_t j = 0; j < a.features(); ++j)
        du.row(t)[j] += scale * dy.row(t)[r] * a.row(r)[j];
  frame.set(op.getResult(), std::move(du));
  return success();
}
