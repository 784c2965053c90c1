// Persistent state, trained tensors, and launches of kernels.
#include "Frame.h"

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

LogicalResult reference::evaluate(StateRefOp op, Frame &frame) {
  auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(op, op.getStateAttr());
  frame.bind(op.getResult(), frame.interpreter.state(state));
  return success();
}

LogicalResult reference::evaluate(StateAllOp op, Frame &frame) {
  Buffer all = frame.interpreter.states(op.getKind());
  int64_t wanted = op.getResult().getType().getNumElements();
  if (int64_t(all.size()) != wanted)
    return op.emitOpError("has ") << wanted << " elements, the states of its kind have " << all.size();
  frame.bind(op.getResult(), all);
  return success();
}

LogicalResult reference::evaluate(TrainableRefOp op, Frame &frame) {
  Trained *trained =
      frame.interpreter.trainable(SymbolTable::lookupNearestSymbolFrom<TrainableOp>(op, op.getTrainableAttr()));
  if (!trained)
    return failure();
  frame.bind(op.getResult(), trained);
  return success();
}

LogicalResult reference::evaluate(LaunchOp op, Frame &frame) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<KernelOp>(op, op.getKernelAttr());
  Block &body = kernel.getBody().front();
  Frame inner(frame.interpreter);
  for (auto [argument, input] : llvm::zip(body.getArguments(), op.getInputs()))
    inner.bind(argument, frame.slot(input));
  if (failed(inner.run(body)))
    return failure();
  for (auto [output, yielded] : llvm::zip(op.getOutputs(), body.getTerminator()->getOperands()))
    frame.bind(output, inner.slot(yielded));
  return success();
}
