// Inline PTX that is emulated: recognised by its exact text, spaces aside.
#ifndef QFA_GPUEMULATOR_ASMPATTERNS_H
#define QFA_GPUEMULATOR_ASMPATTERNS_H

#include "qfa/GpuEmulator/Site.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/IRBuilder.h"

namespace qfa::emu {

// Emits a call of the scalar function of that name in Intrinsics.def.
using CallScalar =
    llvm::function_ref<llvm::Value *(llvm::StringRef name, llvm::ArrayRef<llvm::Value *> operands, llvm::Type *result)>;

// Emits what the text computes, or returns null for a text that is not known.
llvm::Value *emitAsm(llvm::CallInst &call, llvm::IRBuilderBase &builder, CallScalar callScalar);

// For a text that is wgmma.mma_async of bf16 as LLVM writes it: what it is. False for any other.
bool describeWarpgroupMma(const llvm::CallInst &call, Site &site);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_ASMPATTERNS_H
