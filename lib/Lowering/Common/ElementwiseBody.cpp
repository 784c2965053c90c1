// The ops of a kernel's body, one after the other.
#include "ElementwiseBody.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qfa;

Type qfa::typeInLoop(Type tensor, Type type) {
  Type element = getElementTypeOrSelf(tensor);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

// Functions that would call a library per lane come from the builder; everything else is the same op on another type.
static Value emitOp(Operation *op, ValueRange operands, Type type, CodeBuilder &k) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<math::ExpOp>([&](auto) { return k.exp(operands[0]); })
      .Case<math::TanhOp>([&](auto) { return k.tanh(operands[0]); })
      .Case<math::FmaOp>([&](auto) { return k.fma(operands[0], operands[1], operands[2]); })
      .Default([&](Operation *) {
        OperationState state(k.getLoc(), op->getName(), operands, typeInLoop(op->getResult(0).getType(), type),
                             op->getAttrs());
        return k.create(state)->getResult(0);
      });
}

SmallVector<Value> qfa::elementwiseInputs(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  SmallVector<Value> inputs(body.getArguments());
  for (auto constant : body.getOps<arith::ConstantOp>())
    if (auto values = dyn_cast<ElementsAttr>(constant.getValue()); values && !values.isSplat())
      inputs.push_back(constant);
  return inputs;
}

Value qfa::emitElementwiseBody(CodeBuilder &k, KernelOp kernel, Type type, ValueRange loaded) {
  Block &body = kernel.getBody().front();
  IRMapping values;
  values.map(elementwiseInputs(kernel), loaded);
  for (Operation &inner : body.without_terminator()) {
    if (values.contains(inner.getResult(0)))
      continue;
    SmallVector<Value> operands;
    for (Value operand : inner.getOperands())
      operands.push_back(values.lookup(operand));
    if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
      Attribute value = constant.getValue();
      if (auto splat = dyn_cast<SplatElementsAttr>(value))
        value = splat.getSplatValue<Attribute>();
      Type scalar = cast<TypedAttr>(value).getType(), wanted = typeInLoop(constant.getType(), type);
      Value single = arith::ConstantOp::create(k, cast<TypedAttr>(value));
      values.map(inner.getResult(0), wanted == scalar ? single : k.broadcast(single, wanted));
    } else {
      values.map(inner.getResult(0), emitOp(&inner, operands, type, k));
    }
  }
  return values.lookup(body.getTerminator()->getOperand(0));
}
