// Emits an executable: LLVM modules to object code, the module tables, and the link with the runtime.
#ifndef QFA_EMIT_EMITEXECUTABLE_H
#define QFA_EMIT_EMITEXECUTABLE_H

#include "qfa/Emit/ModuleTables.h"

#include "mlir/IR/OwningOpRef.h"
#include <functional>

namespace llvm {
class Module;
class LLVMContext;
} // namespace llvm

namespace qfa {

// Some kernels of a program for one instruction set, compiled into one object file on a thread and in a context of
// their own.
struct KernelUnit {
  qfa_isa_t isa;
  // Makes the kernels' LLVM-dialect module, whose functions carry their kernels' names, and fills the rows of these
  // kernels with tiles and scratch memory. Null on failure, which it has reported.
  std::function<mlir::OwningOpRef<mlir::ModuleOp>(mlir::MLIRContext &, llvm::SmallVectorImpl<KernelTableRow> &)> lower;
};

// Compiles all kernels for the GPUs of one choice of tiles, on a thread of its own. Fails after it has reported why.
using GpuUnit = std::function<llvm::LogicalResult(GpuCode &)>;

struct EmitOptions {
  std::string output;
  std::string runtimeLibrary; // libqfa_runtime.a
  std::string linker = "";    // compiler driver that links; empty: the first of c++, g++, clang++-22, clang++ on PATH
};

// Whether an executable can be written at all, to be asked before any work: the output's place, linker and runtime.
llvm::LogicalResult checkEmission(const EmitOptions &options, mlir::Location loc);

// Writes the executable of an entries' module (in the LLVM dialect, after --qfa-lower-program) and its kernels;
// completes the tables with what the units say. The file is written aside and renamed; on failure
// nothing is left behind.
llvm::LogicalResult emitExecutable(mlir::ModuleOp program, llvm::ArrayRef<KernelUnit> kernels,
                                   llvm::ArrayRef<GpuUnit> gpu, ModuleTables &tables, const EmitOptions &options);

// The module tables as constants of `module`: the definition of `qfa_module` of module_abi.h. `compiledFor` lists the
// instruction sets whose kernel functions <name>__<isa> exist.
void emitModuleTables(llvm::Module &module, const ModuleTables &tables, llvm::ArrayRef<qfa_isa_t> compiledFor);

llvm::StringRef isaName(qfa_isa_t isa);

} // namespace qfa

#endif // QFA_EMIT_EMITEXECUTABLE_H
