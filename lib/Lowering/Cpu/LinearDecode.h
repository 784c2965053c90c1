// qfa.linear for a few tokens, as in generating text: bound by reading the weight, so panels would only cost.
#ifndef QFA_LIB_LOWERING_CPU_LINEARDECODE_H
#define QFA_LIB_LOWERING_CPU_LINEARDECODE_H

#include "Dequantize.h"

namespace qfa {

bool usesDecodeForm(LinearOp op);
// Tiles are blocks of 32 output columns as in the form for many tokens; no scratch memory.
void emitDecodeForm(LinearOp op, KernelBuilder &b);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_LINEARDECODE_H
