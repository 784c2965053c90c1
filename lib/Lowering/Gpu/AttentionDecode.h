// One query against the caches.
#ifndef QFA_LIB_LOWERING_GPU_ATTENTIONDECODE_H
#define QFA_LIB_LOWERING_GPU_ATTENTIONDECODE_H

#include "AttentionTile.h"

namespace qfa {

void planDecode(CachedAttentionOp attention, const AttentionShape &shape, GpuPlan &plan);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_ATTENTIONDECODE_H
