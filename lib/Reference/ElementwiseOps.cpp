// Elementwise arith and math ops on tensors of one shape, constants, and splats of dynamic shape. A scalar is a tensor
// of rank 0.
#include "Frame.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

using Unary = double (*)(double);
using Binary = double (*)(double, double);

static Unary unaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Unary>(op)
      .Case<arith::NegFOp>([](auto) { return +[](double x) { return -x; }; })
      .Case<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::ExtSIOp, tensor::CastOp>(
          [](auto) { return +[](double x) { return x; }; })
      .Case<math::AbsFOp>([](auto) { return +[](double x) { return std::fabs(x); }; })
      .Case<math::CosOp>([](auto) { return +[](double x) { return std::cos(x); }; })
      .Case<math::ErfOp>([](auto) { return +[](double x) { return std::erf(x); }; })
      .Case<math::ExpOp>([](auto) { return +[](double x) { return std::exp(x); }; })
      .Case<math::LogOp>([](auto) { return +[](double x) { return std::log(x); }; })
      .Case<math::RsqrtOp>([](auto) { return +[](double x) { return 1 / std::sqrt(x); }; })
      .Case<math::SinOp>([](auto) { return +[](double x) { return std::sin(x); }; })
      .Case<math::SqrtOp>([](auto) { return +[](double x) { return std::sqrt(x); }; })
      .Case<math::TanhOp>([](auto) { return +[](double x) { return std::tanh(x); }; })
      .Default([](auto) { return Unary(nullptr); });
}

static Binary binaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Binary>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return +[](double x, double y) { return x + y; }; })
      .Case<arith::SubFOp, arith::SubIOp>([](auto) { return +[](double x, double y) { return x - y; }; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return +[](double x, double y) { return x * y; }; })
      .Case<arith::DivFOp>([](auto) { return +[](double x, double y) { return x / y; }; })
      // maximumf and minimumf hand a NaN on, maxnumf and minnumf the other operand
      .Case<arith::MaximumFOp>([](auto) {
        return +[](double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y); };
      })
      .Case<arith::MinimumFOp>([](auto) {
        return +[](double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y); };
      })
      .Case<arith::MaxNumFOp>([](auto) { return +[](double x, double y) { return std::fmax(x, y); }; })
      .Case<arith::MinNumFOp>([](auto) { return +[](double x, double y) { return std::fmin(x, y); }; })
      .Case<math::PowFOp>([](auto) { return +[](double x, double y) { return std::pow(x, y); }; })
      .Default([](auto) { return Binary(nullptr); });
}

static double numberOf(Attribute attribute) {
  if (auto value = dyn_cast<FloatAttr>(attribute))
    return value.getValueAsDouble();
  return static_cast<double>(cast<IntegerAttr>(attribute).getValue().getSExtValue());
}

static LogicalResult evaluateConstant(arith::ConstantOp op, Frame &frame) {
  if (isa<FloatAttr, IntegerAttr>(op.getValue())) {
    frame.set(op.getResult(), Tensor({}, numberOf(op.getValue())));
    return success();
  }
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements || !elements.getElementType().isIntOrFloat())
    return op.emitOpError("is not a dense tensor of numbers");
  Tensor y(Shape(elements.getType().getShape().begin(), elements.getType().getShape().end()));
  for (auto [value, attribute] : llvm::zip(y.data, elements.getValues<Attribute>()))
    value = numberOf(attribute);
  frame.set(op.getResult(), std::move(y));
  return success();
}

static LogicalResult evaluateDim(tensor::DimOp op, Frame &frame) {
  const Tensor &source = frame.tensor(op.getSource());
  double index = frame.tensor(op.getIndex()).data[0];
  if (index < 0 || index >= source.shape.size())
    return op.emitOpError("names dimension ") << int64_t(index) << " of " << source.shape.size();
  frame.set(op.getResult(), Tensor({}, source.shape[int64_t(index)]));
  return success();
}

static LogicalResult evaluateSplat(tensor::SplatOp op, Frame &frame) {
  auto sizes = op.getDynamicSizes().begin();
  Shape shape;
  for (int64_t size : op.getType().getShape())
    shape.push_back(ShapedType::isDynamic(size) ? int64_t(frame.tensor(*sizes++).data[0]) : size);
  frame.set(op.getAggregate(), Tensor(shape, frame.tensor(op.getInput()).data[0]));
  return success();
}

LogicalResult reference::evaluateElementwise(Operation *op, Frame &frame) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return evaluateConstant(constant, frame);
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return evaluateDim(dim, frame);
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return evaluateSplat(splat, frame);
  if (Unary function = unaryOf(op)) {
    Tensor y = frame.tensor(op->getOperand(0));
    for (double &value : y.data)
      value = function(value);
    frame.set(op->getResult(0), std::move(y));
    return success();
  }
  if (Binary function = binaryOf(op)) {
    Tensor y = frame.tensor(op->getOperand(0));
    const Tensor &right = frame.tensor(op->getOperand(1));
    if (y.shape != right.shape) // dynamic types agree where values do not
      return op->emitOpError("has operands of different shapes");
    for (int64_t i = 0; i < y.size(); ++i)
      y.data[i] = function(y.data[i], right.data[i]);
    frame.set(op->getResult(0), std::move(y));
    return success();
  }
  return op->emitOpError("is not known to the interpreter");
}
