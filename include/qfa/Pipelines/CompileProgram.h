// The whole path from a model's module to an executable, stage by stage.
#ifndef QFA_PIPELINES_COMPILEPROGRAM_H
#define QFA_PIPELINES_COMPILEPROGRAM_H

#include "qfa/Autodiff/Passes.h"
#include "qfa/Emit/EmitExecutable.h"
#include "qfa/Lowering/Passes.h"
#include "qfa/Pipelines/Stages.h"
#include "qfa/Schedule/Passes.h"

#include "mlir/IR/BuiltinOps.h"

namespace qfa {

struct GpuOptions {
  bool enabled = false;
  std::string precision = "bf16";                      // of --qfa-lower-kernels-to-gpu
  unsigned multiprocessors = 0;                        // likewise
  llvm::SmallVector<std::string> archs = {"80", "90"}; // machine code for these, where there is a ptxas; PTX always
};

// Architectures whose products are cut into the same tiles: one code serves them.
struct GpuGroup {
  GpuArch arch;                     // the lowest that the code is for
  llvm::SmallVector<GpuArch> archs; // that machine code is made for, where there is a ptxas
  bool needsPtx; // beside machine code. The lowest group's PTX serves the cards that no machine code is for
};
// Lowest first. Every architecture parses (parseGpuArch).
llvm::SmallVector<GpuGroup> groupGpuArchs(llvm::ArrayRef<std::string> archs, llvm::StringRef precision);

struct ProgramOptions {
  bool elastic = true;         // false: float weights stay (method full, verification); no Supernet and Schedule stages
  std::string supernetOptions; // of --qfa-build-supernet, as text
  AutodiffOptions autodiff;
  ScheduleOptions schedule;
  std::string dumpStagesTo; // a folder; the module after every stage, as N-<stage>.mlir
  llvm::SmallVector<qfa_isa_t> isas = {QFA_ISA_PORTABLE, QFA_ISA_AVX2, QFA_ISA_AVX512};
  GpuOptions gpu;
};

// The last stage that a module has passed, by what it holds; at most Kernels.
Stage stageOf(mlir::ModuleOp module);

// Runs the stages after `from` up to `to` (at most Kernels) on a module, each followed by its contract.
llvm::LogicalResult runStages(mlir::ModuleOp module, const ProgramOptions &options, Stage from, Stage to);

// Prints a module that has passed the Kernels stage as it stands after Lowering: entries, and kernels by instruction
// set.
llvm::LogicalResult printLowered(mlir::ModuleOp module, const ProgramOptions &options, llvm::raw_ostream &os);

// Lowers a module that has passed the Kernels stage, once per instruction set, and writes the executable.
llvm::LogicalResult emitProgram(mlir::ModuleOp module, const ProgramOptions &options, ModuleInfo info,
                                const EmitOptions &emit);

// Kernels to GPU functions in the NVVM dialect and their launches, in place.
llvm::LogicalResult lowerKernelsToNvvm(mlir::ModuleOp module, const LowerKernelsToGpuOptions &options);
// The functions of a gpu.module that was lowered so for a group: machine code, PTX and, with `bitcode`, LLVM's.
mlir::FailureOr<llvm::SmallVector<GpuImage>> makeGpuImages(mlir::Operation *gpuModule, const GpuGroup &group,
                                                           bool bitcode);
// Both for the text of a module of kernels, in a context of its own.
llvm::LogicalResult lowerToGpuCode(llvm::StringRef kernels, const GpuOptions &options, const GpuGroup &group,
                                   GpuCode &code);

// What the tables say of the model, read off a module after any stage.
ModuleInfo readModuleInfo(mlir::ModuleOp module, llvm::StringRef modelName);

} // namespace qfa

#endif // QFA_PIPELINES_COMPILEPROGRAM_H
