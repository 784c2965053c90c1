// Replaces every kernel by a function of the module ABI, through the families' tables.
#include "qfa/Lowering/Passes.h"

#include "CpuKernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace qfa {
#define GEN_PASS_DEF_LOWERKERNELSTOCPU
#include "qfa/Lowering/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

static const CpuKernel *findKernel(StringRef op) {
  static const llvm::StringMap<CpuKernel> table = [] {
    llvm::StringMap<CpuKernel> table;
    for (ArrayRef<CpuKernel> family :
         {activationKernels(), adapterKernels(), attentionGradKernels(), attentionKernels(), crossEntropyKernels(),
          crossEntropyWeightGradKernels(), elementwiseKernels(), embeddingKernels(), linearGradKernels(),
          linearKernels(), normKernels(), optimizerKernels(), outerKernels(), poolKernels(), ropeKernels()})
      for (const CpuKernel &kernel : family)
        table[kernel.op] = kernel;
    return table;
  }();
  auto found = table.find(op);
  return found == table.end() ? nullptr : &found->second;
}

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
static LogicalResult verifyElementwise(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  if (body.getTerminator()->getNumOperands() != 1)
    return kernel.emitError("kernel of elementwise ops yields ")
           << body.getTerminator()->getNumOperands() << " values, wanted 1";
  for (Operation &op : body.without_terminator())
    if (!op.hasTrait<OpTrait::Elementwise>() && !op.hasTrait<OpTrait::ConstantLike>())
      return op.emitError("no CPU kernel for ") << op.getName();
  return success();
}

static LogicalResult lower(KernelOp kernel, ModuleOp module, const Isa &target) {
  auto ops = kernel.getBody().front().without_terminator();
  if (ops.empty())
    return kernel.emitError("kernel computes nothing");
  auto single = llvm::find_if(ops, [](Operation &op) { return isa<KernelOpInterface>(op); });
  Operation *subject = single == ops.end() ? kernel : &*single;
  if (failed(subject == kernel ? verifyElementwise(kernel) : verifySingle(kernel, subject)))
    return failure();
  const CpuKernel *entry = findKernel(subject->getName().getStringRef());
  if (!entry)
    return subject->emitError("no CPU kernel for ") << subject->getName();
  KernelBuilder builder(kernel, module, target);
  int64_t flops = 0;
  for (Operation &op : ops)
    if (auto costs = dyn_cast<KernelOpInterface>(op))
      flops += costs.getFlops();
    else
      flops += cast<RankedTensorType>(op.getResult(0).getType()).getNumElements();
  builder.function->setAttr("qfa.tiles", builder.getI64IntegerAttr(entry->tiles(subject)));
  builder.function->setAttr("qfa.scratch_bytes",
                            builder.getI64IntegerAttr(entry->scratchBytes ? entry->scratchBytes(subject, target) : 0));
  builder.function->setAttr("qfa.flops", builder.getI64IntegerAttr(flops));
  entry->emit(subject, builder);
  builder.finish();
  kernel.erase();
  return success();
}

namespace {
class LowerKernelsToCpu : public qfa::impl::LowerKernelsToCpuBase<LowerKernelsToCpu> {
public:
  using LowerKernelsToCpuBase::LowerKernelsToCpuBase;

  void runOnOperation() override {
    const Isa *target = findIsa(isaName);
    if (!target) {
      getOperation().emitError("unknown instruction set '") << isaName << "', wanted portable, avx2 or avx512";
      return signalPassFailure();
    }
    for (KernelOp kernel : llvm::make_early_inc_range(getOperation().getOps<KernelOp>()))
      if (failed(lower(kernel, getOperation(), *target)))
        return signalPassFailure();
  }
};
} // namespace
