// Products of an elastic weight with a few vectors, without panels.
#ifndef QFA_LIB_LOWERING_GPU_LINEARDECODE_H
#define QFA_LIB_LOWERING_GPU_LINEARDECODE_H

#include "GpuKernels.h"

namespace qfa {

bool isLinearDecode(LinearOp op);
void planLinearDecode(LinearOp op, GpuPlan &plan);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_LINEARDECODE_H
