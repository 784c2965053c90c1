// Elementary functions as plain arithmetic, on an f32 scalar or a vector of f32 alike, so that loops never call a
// library per lane. Relative error at most 2e-7 unless said otherwise; every value and the same value on every lane
// width.
#ifndef QFA_LIB_LOWERING_CPU_VECTORMATH_H
#define QFA_LIB_LOWERING_CPU_VECTORMATH_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace qfa {

using Builder = mlir::ImplicitLocOpBuilder;

// A float or integer constant of `type`, or splat to it.
mlir::Value emitFloat(Builder &b, mlir::Type type, double value);
mlir::Value emitInt(Builder &b, mlir::Type type, int64_t value);
// a * b + c, fused where the processor does it in one instruction.
mlir::Value emitFma(Builder &b, mlir::Value x, mlir::Value y, mlir::Value z);

mlir::Value emitExp(Builder &b, mlir::Value x); // 0 below -86.6: results never are denormal
mlir::Value emitLog(Builder &b, mlir::Value x); // of a positive, normal number
mlir::Value emitTanh(Builder &b, mlir::Value x);
mlir::Value emitErf(Builder &b, mlir::Value x);
mlir::Value emitSigmoid(Builder &b, mlir::Value x);
// Probability of a standard normal variable below x; 1e-6 relative in the far left tail.
mlir::Value emitNormalCdf(Builder &b, mlir::Value x);
// Sine and cosine of an f64 angle (scalar or vector) up to 1e6, absolute error below 1e-10.
std::pair<mlir::Value, mlir::Value> emitSinCos(Builder &b, mlir::Value angle);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_VECTORMATH_H
