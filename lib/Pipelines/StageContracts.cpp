// What is legal after each stage, in stage order; a breach names the pass that should have prevented it.
#include "qfa/Pipelines/Passes.h"

#include "qfa/Dialect/Qfa.h"
#include "qfa/Pipelines/Stages.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace qfa {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "qfa/Pipelines/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

LogicalResult breach(Operation *op, const Twine &what, StringRef culprit) {
  InFlightDiagnostic error = op->emitError() << what.str();
  error.attachNote() << culprit << " should have dealt with it";
  return error;
}

bool isStatic(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return !tensor || tensor.hasStaticShape();
}

// Import: model ops, elementwise arith and math, weights.
LogicalResult verifyImport(ModuleOp module) {
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (!forward)
    return breach(module, "has no function @forward", "the import");
  WalkResult result = forward.walk([&](Operation *op) {
    if (isa<func::FuncOp, func::ReturnOp, WeightOp, EmbeddingOp, RmsNormOp, LinearOp, RopeOp, AttentionOp,
            GatedActivationOp>(op) ||
        isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
      return WalkResult::advance();
    (void)breach(op, "'" + op->getName().getStringRef() + "' is not a model op", "--qfa-onnx-raise");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

// Supernet: a linear layer whose weight is dense reads a value that no site governs: embedding and head only.
LogicalResult verifySupernet(ModuleOp module) {
  for (auto elastic : module.getOps<ElasticOp>())
    if (SymbolTable::symbolKnownUseEmpty(elastic, module))
      return breach(elastic, "elastic weight '" + elastic.getSymName() + "' is not used", "--qfa-build-supernet");
  return success();
}

// Autodiff: entries instead of @forward, static shapes, gradients where there is a training step.
LogicalResult verifyAutodiff(ModuleOp module) {
  if (auto forward = module.lookupSymbol<func::FuncOp>("forward"))
    return breach(forward, "@forward is still there", "--qfa-build-functions");
  for (auto func : module.getOps<func::FuncOp>()) {
    WalkResult result = func.walk([&](Operation *op) {
      if (llvm::all_of(op->getResultTypes(), isStatic))
        return WalkResult::advance();
      (void)breach(op, "has a dynamic shape in entry @" + func.getSymName(), "--qfa-build-functions");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return failure();
  }
  if (auto step = module.lookupSymbol<func::FuncOp>("train_step"))
    if (module.getOps<TrainableOp>().empty())
      return breach(step, "trains nothing", "--qfa-differentiate");
  return success();
}

// Schedule: a mode, and in mode static one width per elastic weight (static).
LogicalResult verifySchedule(ModuleOp module) {
  auto mode = module->getAttrOfType<StringAttr>("qfa.mode");
  if (module.getOps<ElasticOp>().empty())
    return success();
  if (!mode)
    return breach(module, "has no mode", "--qfa-specialize-bits");
  if (mode.getValue() == "static")
    for (auto elastic : module.getOps<ElasticOp>())
      if (cast<ElasticType>(elastic.getType()).getBits().size() != 1)
        return breach(elastic, "elastic weight '" + elastic.getSymName() + "' has several widths in a subnet",
                      "--qfa-specialize-bits");
  return success();
}

// Kernels: entries hold launches with places, and the references that launches read.
LogicalResult verifyKernels(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    for (Operation &op : func.getBody().front()) {
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        if (launch.getNumResults() && !launch.getOffsets())
          return breach(launch, "has no place in the arena", "--qfa-plan-memory");
      } else if (!isa<func::ReturnOp, WeightOp, ElasticRefOp, StateRefOp, StateAllOp, TrainableRefOp>(op)) {
        return breach(&op, "'" + op.getName().getStringRef() + "' is not a launch", "--qfa-outline-kernels");
      }
    }
  return success();
}

// Lowering: code is LLVM's only.
LogicalResult verifyLowering(ModuleOp module) {
  for (Operation &op : *module.getBody())
    if (isa<func::FuncOp, KernelOp>(op))
      return breach(&op, "'" + op.getName().getStringRef() + "' is not lowered",
                    "--qfa-lower-kernels-to-cpu or --qfa-lower-program");
  return success();
}

class VerifyStage : public qfa::impl::VerifyStageBase<VerifyStage> {
public:
  using VerifyStageBase::VerifyStageBase;

  void runOnOperation() override {
    std::optional<Stage> which = parseStage(stage);
    if (!which || *which == Stage::Emit) {
      getOperation().emitError("'")
          << stage.getValue()
          << "' is not a stage with a contract: import, supernet, autodiff, schedule, kernels, lowering";
      return signalPassFailure();
    }
    if (failed(verify(*which)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  LogicalResult verify(Stage which) {
    switch (which) {
    case Stage::Import:
      return verifyImport(getOperation());
    case Stage::Supernet:
      return verifySupernet(getOperation());
    case Stage::Autodiff:
      return verifyAutodiff(getOperation());
    case Stage::Schedule:
      return verifySchedule(getOperation());
    case Stage::Kernels:
      return verifyKernels(getOperation());
    default:
      return verifyLowering(getOperation());
    }
  }
};

} // namespace
