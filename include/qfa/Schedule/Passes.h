// The Schedule stage: the bit configuration becomes data or constants.
#ifndef QFA_SCHEDULE_PASSES_H
#define QFA_SCHEDULE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Schedule/Passes.h.inc"

using ScheduleOptions = SpecializeBitsOptions;

void buildSchedulePipeline(mlir::OpPassManager &pm, const ScheduleOptions &options);

#define GEN_PASS_REGISTRATION
#include "qfa/Schedule/Passes.h.inc"

} // namespace qfa

#endif // QFA_SCHEDULE_PASSES_H
