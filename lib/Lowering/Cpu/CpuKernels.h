// The families of kernels: one file each, one list of entries each.
#ifndef QFA_LIB_LOWERING_CPU_CPUKERNELS_H
#define QFA_LIB_LOWERING_CPU_CPUKERNELS_H

#include "KernelBuilder.h"

namespace qfa {

llvm::ArrayRef<CpuKernel> activationKernels();
llvm::ArrayRef<CpuKernel> adapterKernels();
llvm::ArrayRef<CpuKernel> attentionGradKernels();
llvm::ArrayRef<CpuKernel> attentionKernels();
llvm::ArrayRef<CpuKernel> crossEntropyKernels();
llvm::ArrayRef<CpuKernel> crossEntropyWeightGradKernels();
llvm::ArrayRef<CpuKernel> elementwiseKernels();
llvm::ArrayRef<CpuKernel> embeddingKernels();
llvm::ArrayRef<CpuKernel> linearGradKernels();
llvm::ArrayRef<CpuKernel> linearKernels();
llvm::ArrayRef<CpuKernel> normKernels();
llvm::ArrayRef<CpuKernel> optimizerKernels();
llvm::ArrayRef<CpuKernel> outerKernels();
llvm::ArrayRef<CpuKernel> poolKernels();
llvm::ArrayRef<CpuKernel> ropeKernels();

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_CPUKERNELS_H
