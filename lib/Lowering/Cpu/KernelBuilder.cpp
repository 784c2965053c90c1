// The frame of a kernel's function, by the layout of qfa/module_abi.h.
#include "KernelBuilder.h"

using namespace mlir;
using namespace qfa;

KernelBuilder::KernelBuilder(KernelOp kernel, ModuleOp module, const Isa &target)
    : CodeBuilder(kernel.getLoc(), module, target), kernel(kernel) {
  setInsertionPoint(kernel);
  Type type = getFunctionType({ptrType(), getI64Type(), getI64Type(), ptrType()}, {});
  function = func::FuncOp::create(*this, kernel.getSymName(), cast<FunctionType>(type));
  setTarget(function);
  setInsertionPointToStart(function.addEntryBlock());
  begin = function.getArgument(1);
  end = function.getArgument(2);
  scratchPointer = function.getArgument(3);
  Block &body = kernel.getBody().front();
  for (size_t i = 0; i < body.getNumArguments() + body.getTerminator()->getNumOperands(); ++i)
    pointers.push_back(load(ptrType(), function.getArgument(0), i));
}

void KernelBuilder::finish() { func::ReturnOp::create(*this); }

Value KernelBuilder::operand(Value value) { return pointers[cast<BlockArgument>(value).getArgNumber()]; }

Value KernelBuilder::result(Value value) {
  Block &body = kernel.getBody().front();
  ValueRange yielded = body.getTerminator()->getOperands();
  auto found = llvm::find(yielded, value);
  assert(found != yielded.end() && "results of a kernel's op are yielded");
  return pointers[body.getNumArguments() + std::distance(yielded.begin(), found)];
}

SiteRow KernelBuilder::site(Value elastic) { return loadSiteRow(*this, operand(elastic)); }

TrainableRow KernelBuilder::trainable(Value value) { return loadTrainableRow(*this, operand(value)); }

void KernelBuilder::forTiles(llvm::function_ref<void(Value)> body) { forLoop(begin, end, 1, body); }
