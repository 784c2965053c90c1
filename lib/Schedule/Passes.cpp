// The Schedule stage as a pipeline.
#include "qfa/Schedule/Passes.h"

#include "mlir/Pass/PassManager.h"

void qfa::buildSchedulePipeline(mlir::OpPassManager &pm, const ScheduleOptions &options) {
  pm.addPass(createSpecializeBits(options));
}
