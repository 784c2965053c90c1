// Replaces every kernel by a function of the module ABI, through the families' tables.
#include "qfa/Lowering/Passes.h"

#include "../Common/KernelBody.h"
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

static LogicalResult lower(KernelOp kernel, ModuleOp module, const Isa &target) {
  FailureOr<KernelBody> body = analyseKernel(kernel, "CPU");
  if (failed(body))
    return failure();
  Operation *subject = body->subject;
  const CpuKernel *entry = findKernel(subject->getName().getStringRef());
  if (!entry)
    return subject->emitError("no CPU kernel for ") << subject->getName();
  KernelBuilder builder(kernel, module, target);
  builder.function->setAttr("qfa.tiles", builder.getI64IntegerAttr(entry->tiles(subject)));
  builder.function->setAttr("qfa.scratch_bytes",
                            builder.getI64IntegerAttr(entry->scratchBytes ? entry->scratchBytes(subject, target) : 0));
  builder.function->setAttr("qfa.flops", builder.getI64IntegerAttr(body->flops));
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
