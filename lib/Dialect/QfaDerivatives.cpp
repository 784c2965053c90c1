// Derivative rules: one short block per op, in the order of the .td files. dX is the gradient of the loss with respect
// to X.
#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qfa;

using AddGradient = function_ref<void(Value, Value)>;
using GradientOf = function_ref<Value(Value, StringRef)>;

// dtable[ids] += dy
LogicalResult EmbeddingOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf gradientOf) {
  if (Value buffer = gradientOf(getTable(), "value"))
    EmbeddingGradOp::create(b, getLoc(), getIds(), d[0], buffer);
  return success();
}

// dx = rms_norm_grad(x, gain, dy); dgain = sum of dy * x / rms(x)
LogicalResult RmsNormOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf gradientOf) {
  if (Value buffer = gradientOf(getGain(), "value"))
    RmsNormGainGradOp::create(b, getLoc(), getX(), d[0], buffer, getEpsilonAttr());
  add(getX(), RmsNormGradOp::create(b, getLoc(), getX().getType(), getX(), getGain(), d[0], Value(), getEpsilonAttr()));
  return success();
}

// [dx | dadapter] = dy [W | B]; dW = dy^T x; dB = dy^T adapter
LogicalResult LinearOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf gradientOf) {
  FloatAttr one = b.getF32FloatAttr(1.0f);
  if (Value buffer = gradientOf(getWeight(), "value"))
    AccumulateOuterOp::create(b, getLoc(), d[0], getX(), buffer, one);
  Type dadapter;
  if (getAdapter()) {
    dadapter = getAdapter().getType();
    if (Value buffer = gradientOf(getWeight(), "adapter_b"))
      AccumulateOuterOp::create(b, getLoc(), d[0], getAdapter(), buffer, one);
  }
  auto grad = LinearGradOp::create(b, getLoc(), getX().getType(), dadapter, d[0], getWeight(), Value());
  add(getX(), grad.getDx());
  if (getAdapter())
    add(getAdapter(), grad.getDadapter());
  return success();
}

// A rotation's derivative is the rotation backwards.
LogicalResult RopeOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf) {
  auto grad = cast<RopeOp>(b.clone(*getOperation()));
  grad.getXMutable().assign(d[0]);
  grad.setInverse(!getInverse());
  add(getX(), grad);
  return success();
}

// dq, dk, dv from the scores computed again
LogicalResult AttentionOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf) {
  if (d[1])
    return emitOpError("log_sum_exp reaches the loss, which has no derivative rule");
  auto grad = AttentionGradOp::create(b, getLoc(), TypeRange{getQ().getType(), getK().getType(), getV().getType()},
                                      ValueRange{getQ(), getK(), getV(), getResult(), getLogSumExp(), d[0]},
                                      (*this)->getAttrs());
  add(getQ(), grad.getDq());
  add(getK(), grad.getDk());
  add(getV(), grad.getDv());
  return success();
}

// dgate = dy * up * activation'(gate); dup = dy * activation(gate)
LogicalResult GatedActivationOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf) {
  auto grad = GatedActivationGradOp::create(b, getLoc(), getGate().getType(), getUp().getType(), getKindAttr(),
                                            getGate(), getUp(), d[0]);
  add(getGate(), grad.getDgate());
  add(getUp(), grad.getDup());
  return success();
}

// dx[k] = du[k / group]
LogicalResult GroupPoolOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf) {
  add(getX(), GroupUnpoolOp::create(b, getLoc(), getX().getType(), d[0], Value(), getGroupAttr()));
  return success();
}

// du = scale * dy A; dA = scale * dy^T u
LogicalResult AdapterDownOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf gradientOf) {
  if (Value buffer = gradientOf(getWeight(), "adapter_a"))
    AccumulateOuterOp::create(b, getLoc(), d[0], getU(), buffer, getScaleAttr());
  add(getU(), AdapterDownGradOp::create(b, getLoc(), getU().getType(), d[0], getWeight(), getScaleAttr()));
  return success();
}

// dh is the op's own third result
LogicalResult CrossEntropyOp::buildBackward(OpBuilder &b, ValueRange d, AddGradient add, GradientOf gradientOf) {
  if (!getGradient())
    return emitOpError("has no gradient result");
  if (Value buffer = gradientOf(getWeight(), "value"))
    CrossEntropyWeightGradOp::create(b, getLoc(), getH(), getWeight(), getLabels(), getLogSumExp(), buffer);
  add(getH(), getGradient());
  return success();
}
