// The emulator's interface: load the very module from which PTX is made, launch its kernels, read the report.
//
//   Memory memory;
//   auto *x = memory.allocate("x", 4096);          // device memory; the host may read and write it like its own
//   auto program = Program::load(bitcode);          // Expected: names whatever is not emulated
//   Report report = (*program)->launch({"saxpy", grid, block, /*sharedBytes=*/0, {&n, &a, &x, &y}}, memory);
//   if (!report.ok()) llvm::errs() << report.text();
#ifndef QFA_GPUEMULATOR_EMULATOR_H
#define QFA_GPUEMULATOR_EMULATOR_H

#include "qfa/GpuEmulator/Retarget.h"

#include "llvm/Support/MemoryBufferRef.h"

namespace llvm::orc {
class LLJIT;
}

namespace qfa::emu {

struct LoadOptions {
  bool checks = true; // without, kernels run faster and only the rules of warps and barriers are checked
};

struct KernelLaunch {
  std::string kernel;
  Dim3 grid, block;
  uint32_t dynamicSharedBytes = 0;
  std::vector<const void *> arguments; // each points to a value of the parameter's type, as for the CUDA driver
};

class Program {
public:
  // Bitcode or IR text.
  static llvm::Expected<std::unique_ptr<Program>> load(llvm::MemoryBufferRef file, LoadOptions options = {});
  static llvm::Expected<std::unique_ptr<Program>>
  load(std::unique_ptr<llvm::Module> module, std::unique_ptr<llvm::LLVMContext> context, LoadOptions options = {});
  ~Program();

  // A launch that cannot be made is a fault of the report too, of the kind "bad-launch".
  Report launch(const KernelLaunch &launch, Memory &memory, const LaunchOptions &options = {});

  const std::vector<KernelSignature> &kernels() const { return parts.kernels; }
  const KernelSignature *findKernel(llvm::StringRef name) const;

private:
  Program();
  Retargeted parts;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  bool checks = true;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_EMULATOR_H
