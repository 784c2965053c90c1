// The families of kernels: one file each, one list of entries each.
#ifndef QFA_LIB_LOWERING_CPU_CPUKERNELS_H
#define QFA_LIB_LOWERING_CPU_CPUKERNELS_H

#include "KernelBuilder.h"

namespace qfa {

llvm::ArrayRef<CpuKernel> linearKernels();

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_CPUKERNELS_H
