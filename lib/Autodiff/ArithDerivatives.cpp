// Derivative rules of elementwise arithmetic, attached from outside as arith does not know the interface.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qfa;

namespace {

using AddGradient = function_ref<void(Value, Value)>;
using GradientOf = function_ref<Value(Value, StringRef)>;

// y = a + b: da = dy, db = dy
struct AddRule : DifferentiableOpInterface::ExternalModel<AddRule, arith::AddFOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &b, ValueRange d, AddGradient add, GradientOf) const {
    add(op->getOperand(0), d[0]);
    add(op->getOperand(1), d[0]);
    return success();
  }
};

// y = a - b: da = dy, db = -dy
struct SubRule : DifferentiableOpInterface::ExternalModel<SubRule, arith::SubFOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &b, ValueRange d, AddGradient add, GradientOf) const {
    add(op->getOperand(0), d[0]);
    add(op->getOperand(1), arith::NegFOp::create(b, op->getLoc(), d[0]));
    return success();
  }
};

// y = a b: da = dy b, db = dy a
struct MulRule : DifferentiableOpInterface::ExternalModel<MulRule, arith::MulFOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &b, ValueRange d, AddGradient add, GradientOf) const {
    add(op->getOperand(0), arith::MulFOp::create(b, op->getLoc(), d[0], op->getOperand(1)));
    add(op->getOperand(1), arith::MulFOp::create(b, op->getLoc(), d[0], op->getOperand(0)));
    return success();
  }
};

} // namespace

void qfa::registerArithDerivatives(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    arith::AddFOp::attachInterface<AddRule>(*context);
    arith::SubFOp::attachInterface<SubRule>(*context);
    arith::MulFOp::attachInterface<MulRule>(*context);
  });
}
