// Groups of elementwise ops: the ops of a kernel's body become the body of one loop, on vectors in place of tensors.
#include "ConstantTable.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qfa;

// The type of a tensor's elements in a loop over values of `type`.
static Type inLoop(Type tensor, Type type) {
  Type element = getElementTypeOrSelf(tensor);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

// Functions that would call a library per lane come from the builder; everything else is the same op on another type.
static Value emitOp(Operation *op, ValueRange operands, Type type, KernelBuilder &k) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<math::ExpOp>([&](auto) { return k.exp(operands[0]); })
      .Case<math::TanhOp>([&](auto) { return k.tanh(operands[0]); })
      .Case<math::FmaOp>([&](auto) { return k.fma(operands[0], operands[1], operands[2]); })
      .Default([&](Operation *) {
        OperationState state(k.getLoc(), op->getName(), operands, inLoop(op->getResult(0).getType(), type),
                             op->getAttrs());
        return k.create(state)->getResult(0);
      });
}

static void emitElementwise(Operation *op, KernelBuilder &k) {
  Block &body = cast<KernelOp>(op).getBody().front();
  Value result = body.getTerminator()->getOperand(0);
  llvm::MapVector<Value, Value> pointers; // of tensors that lie in memory
  for (BlockArgument argument : body.getArguments())
    pointers[argument] = k.operand(argument);
  for (auto constant : body.getOps<arith::ConstantOp>())
    if (auto values = dyn_cast<ElementsAttr>(constant.getValue()); values && !values.isSplat())
      pointers[constant] = emitConstantTable(k, values);

  forRanges(k, elementsOf(result), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) {
      Value at = k.add(first, i);
      IRMapping values;
      for (auto [tensor, pointer] : pointers)
        values.map(tensor, k.load(inLoop(tensor.getType(), type), pointer, at));
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
          Type scalar = cast<TypedAttr>(value).getType(), wanted = inLoop(constant.getType(), type);
          Value single = arith::ConstantOp::create(k, cast<TypedAttr>(value));
          values.map(inner.getResult(0), wanted == scalar ? single : k.broadcast(single, wanted));
        } else {
          values.map(inner.getResult(0), emitOp(&inner, operands, type, k));
        }
      }
      k.store(values.lookup(result), k.result(result), at);
    });
  });
}

ArrayRef<CpuKernel> qfa::elementwiseKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.kernel",
       [](Operation *op) {
         return elementTiles(elementsOf(cast<KernelOp>(op).getBody().front().getTerminator()->getOperand(0)));
       },
       nullptr, emitElementwise},
  };
  return kernels;
}
