// Elementwise arith and math ops on tensors of one shape, and constants.
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

static LogicalResult evaluateConstant(arith::ConstantOp op, Frame &frame) {
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements || !elements.getElementType().isIntOrFloat())
    return op.emitOpError("is not a dense tensor of numbers");
  Tensor y(Shape(elements.getType().getShape().begin(), elements.getType().getShape().end()));
  for (int64_t i = 0; i < y.size(); ++i)
    y.data[i] = isa<FloatType>(elements.getElementType()) ? elements.getValues<APFloat>()[i].convertToDouble()
                                                          : double(elements.getValues<APInt>()[i].getSExtValue());
  frame.set(op.getResult(), std::move(y));
  return success();
}

LogicalResult reference::evaluateElementwise(Operation *op, Frame &frame) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return evaluateConstant(constant, frame);
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
