// Bodies of elementwise ops as the body of a loop, on scalars or vectors in place of tensors.
#ifndef QFA_LIB_LOWERING_COMMON_ELEMENTWISEBODY_H
#define QFA_LIB_LOWERING_COMMON_ELEMENTWISEBODY_H

#include "CodeBuilder.h"

#include "qfa/Dialect/Qfa.h"

namespace qfa {

// The tensors of the kernel that lie in memory: its operands, and constants that are no splats.
llvm::SmallVector<mlir::Value> elementwiseInputs(KernelOp kernel);

// The kernel's result for elements of `type` (f32 or a vector of f32). loaded: the elements of each input, in order.
mlir::Value emitElementwiseBody(CodeBuilder &b, KernelOp kernel, mlir::Type type, mlir::ValueRange loaded);

// The type of a tensor's elements in a loop over values of `type`.
mlir::Type typeInLoop(mlir::Type tensor, mlir::Type type);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ELEMENTWISEBODY_H
