// How LLVM treats kernels: one place, so that tests and benchmarks run the code that programs hold.
#ifndef QFA_SUPPORT_OPTIMIZEKERNELS_H
#define QFA_SUPPORT_OPTIMIZEKERNELS_H

#include "llvm/Support/CodeGen.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace qfa {

constexpr llvm::CodeGenOptLevel kernelCodegenLevel = llvm::CodeGenOptLevel::Default;

void optimizeKernels(llvm::Module &module, llvm::TargetMachine &target);

} // namespace qfa

#endif // QFA_SUPPORT_OPTIMIZEKERNELS_H
