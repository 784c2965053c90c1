// Groups of elementwise ops: the ops of a kernel's body become the body of one loop, on vectors in place of tensors.
#include "../Common/ConstantTable.h"
#include "../Common/ElementwiseBody.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static void emitElementwise(Operation *op, KernelBuilder &k) {
  auto kernel = cast<KernelOp>(op);
  Value result = kernel.getBody().front().getTerminator()->getOperand(0);
  SmallVector<Value> inputs = elementwiseInputs(kernel);
  Values pointers;
  for (Value input : inputs) {
    auto constant = input.getDefiningOp<arith::ConstantOp>();
    pointers.push_back(constant ? emitConstantTable(k, k.function, cast<ElementsAttr>(constant.getValue()))
                                : k.operand(input));
  }
  forRanges(k, elementsOf(result), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) {
      Value at = k.add(first, i);
      Values loaded;
      for (auto [input, pointer] : llvm::zip(inputs, pointers))
        loaded.push_back(k.load(typeInLoop(input.getType(), type), pointer, at));
      k.store(emitElementwiseBody(k, kernel, type, loaded), k.result(result), at);
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
