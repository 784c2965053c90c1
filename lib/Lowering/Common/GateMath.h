// The activations that gate: their value and derivative, on scalars or vectors.
#ifndef QFA_LIB_LOWERING_COMMON_GATEMATH_H
#define QFA_LIB_LOWERING_COMMON_GATEMATH_H

#include "CodeBuilder.h"

#include "qfa/Dialect/Qfa.h"

namespace qfa {

// The activation of x, and its derivative.
std::pair<mlir::Value, mlir::Value> emitActivation(CodeBuilder &k, GateKind kind, mlir::Value x);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_GATEMATH_H
