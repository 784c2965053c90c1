// The order of the Autodiff stage.
#include "qfa/Autodiff/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

void qfa::buildAutodiffPipeline(OpPassManager &pm, const AutodiffOptions &options) {
  pm.addPass(createBuildFunctions(options.functions));
  if (!options.functions.functions.empty() && !llvm::is_contained(options.functions.functions, "train_step"))
    return;
  pm.addPass(createDifferentiate(options.training));
  pm.addNestedPass<func::FuncOp>(createFoldGradientSums());
  pm.addPass(createPlanRecompute(options.recompute));
  pm.addPass(createInsertOptimizer());
}
