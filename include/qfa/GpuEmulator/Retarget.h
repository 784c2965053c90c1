// Turns a module made for NVPTX into one that runs on the host under the emulator.
#ifndef QFA_GPUEMULATOR_RETARGET_H
#define QFA_GPUEMULATOR_RETARGET_H

#include "qfa/GpuEmulator/Launch.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace qfa::emu {

struct KernelSignature {
  std::string name;
  std::vector<uint32_t> parameterBytes;
  uint32_t maxThreads = maxBlockThreads;
  bool exactThreads = false; // not one fewer either
  uint32_t staticSharedBytes = 0;
  std::vector<SharedVariable> sharedVariables;
};

// Constants and variables in global memory, under names that the host code has.
struct GlobalVariable {
  std::string name, symbol;
  uint64_t bytes;
  bool constant;
};

struct Retargeted {
  std::vector<std::unique_ptr<Site>> sites;
  std::vector<KernelSignature> kernels;
  std::vector<GlobalVariable> globals;
};

// Every kernel K gets an entry function entrySymbol(K) of type KernelEntry. x86-64 treats address spaces below 256 as
// flat, so pointers need no rewriting; shared variables become offsets from the block's shared memory, special
// registers loads from the fiber's context, other intrinsics calls of the run time. With `checks`, so do accesses,
// divisions and the blocks of loops. Fails with all that is not emulated, by name.
llvm::Expected<Retargeted> retarget(llvm::Module &module, const llvm::DataLayout &host, const llvm::Triple &triple,
                                    bool checks);

std::string entrySymbol(llvm::StringRef kernel);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_RETARGET_H
