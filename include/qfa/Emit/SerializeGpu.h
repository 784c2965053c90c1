// From the functions of a GPU module to what a driver or the emulator loads.
#ifndef QFA_EMIT_SERIALIZEGPU_H
#define QFA_EMIT_SERIALIZEGPU_H

#include "qfa/Support/GpuArch.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace qfa {

// The optimized LLVM module of a gpu.module in the NVVM dialect (--qfa-lower-gpu-to-nvvm), for sm_<arch> and later: the
// very module from which the PTX is made, and which the emulator runs. Null on failure, which has been reported.
std::unique_ptr<llvm::Module> translateGpu(mlir::gpu::GPUModuleOp module, GpuArch arch, llvm::LLVMContext &context);

// PTX text for sm_<arch> and later; leaves the module prepared for code generation. Empty on failure, with the reason
// in `error`.
std::string generatePtx(llvm::Module &module, GpuArch arch, std::string &error);

// ptxas of the CUDA toolkit: from CUDA_PATH, PATH or /usr/local/cuda. Empty when there is none.
std::string findPtxas();

// Machine code for sm_<arch>; `report` gets what ptxas says of registers and spills. Empty on failure.
std::string assemblePtx(llvm::StringRef ptx, GpuArch arch, std::string &report);

} // namespace qfa

#endif // QFA_EMIT_SERIALIZEGPU_H
