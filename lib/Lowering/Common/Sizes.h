// Sizes of the tensors that kernels work on.
#ifndef QFA_LIB_LOWERING_COMMON_SIZES_H
#define QFA_LIB_LOWERING_COMMON_SIZES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace qfa {

inline int64_t roundUp(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }
inline int64_t ceilDiv(int64_t n, int64_t divisor) { return (n + divisor - 1) / divisor; }

// Tokens (all leading dimensions) and features of an activation.
inline int64_t featuresOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape().back();
}
inline int64_t tokensOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getNumElements() / featuresOf(value);
}
inline int64_t elementsOf(mlir::Value tensor) {
  return llvm::cast<mlir::RankedTensorType>(tensor.getType()).getNumElements();
}

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_SIZES_H
