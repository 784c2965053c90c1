// Evaluation of one node: finds the operator, checks that required inputs are there, keeps track of weights.

#include "Evaluate.h"

using namespace mlir;
using namespace qfa::onnx;

bool Evaluation::allKnown() const {
  return llvm::all_of(inputs, [](const HostTensor *input) { return !input || input->known; });
}

std::optional<SmallVector<int64_t>> Evaluation::integers(unsigned input, StringRef attribute) const {
  if (has(input))
    return in(input).known && in(input).kind != HostTensor::Float ? std::optional(in(input).integers()) : std::nullopt;
  return NodeOp(node).getInts(attribute);
}

/// How many leading inputs an operator needs before its evaluator may look at them.
static unsigned requiredInputs(StringRef type) {
  return llvm::StringSwitch<unsigned>(type)
      .Cases({"Where", "Range", "Attention"}, 3)
      .Cases({"Gather", "GatherND", "Expand", "Tile", "CastLike", "Add", "Sub", "Mul", "Div", "Mod"}, 2)
      .Cases({"Pow", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "CumSum"}, 2)
      .Cases({"MatMul", "Gemm"}, 2)
      .Default(1);
}

LogicalResult qfa::onnx::evaluate(NodeOp node, ArrayRef<const HostTensor *> inputs,
                                  SmallVectorImpl<HostTensor> &results) {
  results.assign(node.getNumResults(), HostTensor());
  EvaluateFn fn = nullptr;
  if (!node.getDomain()) {
    fn = findViewEvaluator(node.getType());
    if (!fn)
      fn = findMathEvaluator(node.getType());
  }
  unsigned required = requiredInputs(node.getType());
  if (!fn || results.empty() || inputs.size() < required || llvm::is_contained(inputs.take_front(required), nullptr))
    return failure();
  Evaluation evaluation{node, inputs, results};
  if (failed(fn(evaluation)))
    return failure();
  bool fromWeight =
      llvm::any_of(inputs, [](const HostTensor *input) { return input && input->fromWeight && input->known; });
  bool readsOnlyShape = node.getType() == "Shape" || node.getType() == "Size";
  for (HostTensor &result : results) {
    result.fromWeight = fromWeight && !readsOnlyShape;
    if (result.size() < 0)
      return failure();
  }
  return success();
}
