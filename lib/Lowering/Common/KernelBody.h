// What a kernel holds, for the lowerings to every device.
#ifndef QFA_LIB_LOWERING_COMMON_KERNELBODY_H
#define QFA_LIB_LOWERING_COMMON_KERNELBODY_H

#include "qfa/Dialect/Qfa.h"

namespace qfa {

struct KernelBody {
  mlir::Operation *subject; // the op with a kernel of its own, or the kernel when it holds elementwise ops
  int64_t flops;
};

// Fails with an error that names the device where the body is of neither form.
mlir::FailureOr<KernelBody> analyseKernel(KernelOp kernel, llvm::StringRef device);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_KERNELBODY_H
