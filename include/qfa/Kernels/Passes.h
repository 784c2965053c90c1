// The Kernels stage: from ops to launches of outlined kernels with planned memory.
#ifndef QFA_KERNELS_PASSES_H
#define QFA_KERNELS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Kernels/Passes.h.inc"

void buildKernelsPipeline(mlir::OpPassManager &pm);

#define GEN_PASS_REGISTRATION
#include "qfa/Kernels/Passes.h.inc"

} // namespace qfa

#endif // QFA_KERNELS_PASSES_H
