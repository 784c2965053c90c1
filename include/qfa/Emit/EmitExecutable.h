// Emits an executable: LLVM modules to object code, the module tables, and the link with the runtime.
#ifndef QFA_EMIT_EMITEXECUTABLE_H
#define QFA_EMIT_EMITEXECUTABLE_H

#include "qfa/Emit/ModuleTables.h"

namespace llvm {
class Module;
class LLVMContext;
} // namespace llvm

namespace qfa {

// The kernels of a program, lowered for one instruction set. Kernel functions carry their kernel's name.
struct LoweredKernels {
  qfa_isa_t isa;
  std::string cpu; // -mcpu of the code generator; empty: the target's baseline
  mlir::ModuleOp module;
};

struct EmitOptions {
  std::string output;
  std::string runtimeLibrary; // libqfa_runtime.a
  std::string linker = "";    // compiler driver that links; empty: the first of c++, g++, clang++-22, clang++ on PATH
  bool keepObjects = false;   // leave <output>.*.o beside the program
};

// Writes the executable of an entries' module (in the LLVM dialect, after --qfa-lower-program) and its kernels. The
// file is written aside and renamed; on failure nothing is left behind. Kernel modules are compiled in parallel.
llvm::LogicalResult emitExecutable(mlir::ModuleOp program, llvm::ArrayRef<LoweredKernels> kernels,
                                   const ModuleTables &tables, const EmitOptions &options);

// The module tables as constants of `module`: the definition of `qfa_module` of module_abi.h. `compiledFor` lists the
// instruction sets whose kernel functions <name>__<isa> exist.
void emitModuleTables(llvm::Module &module, const ModuleTables &tables, llvm::ArrayRef<qfa_isa_t> compiledFor);

llvm::StringRef isaName(qfa_isa_t isa);

} // namespace qfa

#endif // QFA_EMIT_EMITEXECUTABLE_H
