// The Supernet stage as a pipeline.
#include "qfa/Supernet/Passes.h"

#include "mlir/Pass/PassManager.h"

void qfa::buildSupernetPipeline(mlir::OpPassManager &pm, const SupernetOptions &options) {
  pm.addPass(createBuildSupernet(options));
}
