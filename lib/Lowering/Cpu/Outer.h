// Sums of outer products over tokens: the gradients of weight matrices.
#ifndef QFA_LIB_LOWERING_CPU_OUTER_H
#define QFA_LIB_LOWERING_CPU_OUTER_H

#include "Gemm.h"

namespace qfa {

// Floats of scratch memory that accumulateOuter needs for up to maxRows rows of `width`.
int64_t outerScratchFloats(int64_t width, int64_t maxRows, const Isa &target);

// into[i, m] += factor * sum over t < tokens of left[t * leftStride + i] * right[t, m], for i < rows, m < width; `into`
// and `right` are row-major of that width.
void accumulateOuter(CodeBuilder &b, mlir::Value into, mlir::Value left, mlir::Value leftStride, mlir::Value right,
                     int64_t width, mlir::Value rows, int64_t maxRows, mlir::Value tokens, double factor,
                     mlir::Value scratch);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_OUTER_H
