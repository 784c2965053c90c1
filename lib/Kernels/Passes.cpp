// The order of the Kernels stage.
#include "qfa/Kernels/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void qfa::buildKernelsPipeline(OpPassManager &pm) {
  // Equal pools and references would otherwise be launched and stored once per use.
  pm.addPass(createCSEPass());
  pm.addPass(createOutlineKernels());
  pm.addNestedPass<func::FuncOp>(createPlanMemory());
}
