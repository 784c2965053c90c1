// Stage 6, lowering: from kernels to code of a device.
#ifndef QFA_LOWERING_PASSES_H
#define QFA_LOWERING_PASSES_H

#include "qfa/Dialect/Qfa.h"
#include "qfa/Support/GpuArch.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Lowering/Passes.h.inc"

// From what LowerKernelsToCpu leaves (and functions of func, arith and llvm ops beside it) to the LLVM dialect.
void buildLowerKernelsToLlvm(mlir::OpPassManager &pm);
// From what LowerKernelsToGpu leaves: the functions of every gpu.module to the LLVM and NVVM dialects.
void buildLowerGpuToNvvm(mlir::OpPassManager &pm);
// The lowest architecture whose products have the tiles of this one's, so that one code serves both.
GpuArch gpuTileArch(GpuArch arch, llvm::StringRef precision);
void registerLoweringPipelines();

#define GEN_PASS_REGISTRATION
#include "qfa/Lowering/Passes.h.inc"

} // namespace qfa

#endif // QFA_LOWERING_PASSES_H
