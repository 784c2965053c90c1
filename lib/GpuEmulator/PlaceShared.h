// Gives shared variables their places in the block's memory.
#ifndef QFA_GPUEMULATOR_PLACESHARED_H
#define QFA_GPUEMULATOR_PLACESHARED_H

#include "Instrument.h"

#include "qfa/GpuEmulator/Retarget.h"

namespace qfa::emu {

// Replaces the variables by addresses, and fills in what each kernel needs; kernels: as in parts.kernels. Variables of
// different kernels may lie at one place. Those without a size are dynamic memory and come after the rest.
void placeShared(llvm::Module &module, llvm::ArrayRef<llvm::Function *> kernels, const llvm::DataLayout &device,
                 Instrumenter &instrumenter, Retargeted &parts, llvm::SmallVectorImpl<std::string> &problems);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_PLACESHARED_H
