// The contracts between the stages.
#ifndef QFA_PIPELINES_PASSES_H
#define QFA_PIPELINES_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Pipelines/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "qfa/Pipelines/Passes.h.inc"

} // namespace qfa

#endif // QFA_PIPELINES_PASSES_H
