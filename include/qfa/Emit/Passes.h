// The Emit stage's pass.
#ifndef QFA_EMIT_PASSES_H
#define QFA_EMIT_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Emit/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "qfa/Emit/Passes.h.inc"

} // namespace qfa

#endif // QFA_EMIT_PASSES_H
