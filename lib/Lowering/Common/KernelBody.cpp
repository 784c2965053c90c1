// The two forms of a kernel's body.
#include "KernelBody.h"

using namespace mlir;
using namespace qfa;

// Either one op with a kernel of its own, all of whose results are yielded ...
static LogicalResult verifySingle(KernelOp kernel, Operation *op) {
  Block &body = kernel.getBody().front();
  if (!llvm::hasSingleElement(body.without_terminator()))
    return kernel.emitError("kernel holds ") << op->getName() << " beside other ops, wanted it alone";
  for (Value result : op->getResults())
    if (!llvm::is_contained(body.getTerminator()->getOperands(), result))
      return op->emitError("result of type ") << result.getType() << " is not yielded by its kernel";
  return success();
}

// ... or elementwise ops and constants that lead to one yielded value.
static LogicalResult verifyElementwise(KernelOp kernel, StringRef device) {
  Block &body = kernel.getBody().front();
  if (body.getTerminator()->getNumOperands() != 1)
    return kernel.emitError("kernel of elementwise ops yields ")
           << body.getTerminator()->getNumOperands() << " values, wanted 1";
  for (Operation &op : body.without_terminator())
    if (!op.hasTrait<OpTrait::Elementwise>() && !op.hasTrait<OpTrait::ConstantLike>())
      return op.emitError("no ") << device << " kernel for " << op.getName();
  return success();
}

FailureOr<KernelBody> qfa::analyseKernel(KernelOp kernel, StringRef device) {
  auto ops = kernel.getBody().front().without_terminator();
  if (ops.empty())
    return kernel.emitError("kernel computes nothing");
  auto single = llvm::find_if(ops, [](Operation &op) { return isa<KernelOpInterface>(op); });
  Operation *subject = single == ops.end() ? kernel : &*single;
  if (failed(subject == kernel ? verifyElementwise(kernel, device) : verifySingle(kernel, subject)))
    return failure();
  int64_t flops = 0;
  for (Operation &op : ops)
    if (auto costs = dyn_cast<KernelOpInterface>(op))
      flops += costs.getFlops();
    else
      flops += cast<RankedTensorType>(op.getResult(0).getType()).getNumElements();
  return KernelBody{subject, flops};
}
