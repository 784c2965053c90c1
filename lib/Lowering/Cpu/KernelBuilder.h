// What the code of one kernel is given: pointers to its operands and results, its tiles, its scratch memory.
#ifndef QFA_LIB_LOWERING_CPU_KERNELBUILDER_H
#define QFA_LIB_LOWERING_CPU_KERNELBUILDER_H

#include "../Common/Rows.h"

#include "qfa/Dialect/Qfa.h"

namespace qfa {

class KernelBuilder : public CodeBuilder {
public:
  // Creates the function of `kernel` before it and stands inside; `finish` ends it.
  KernelBuilder(KernelOp kernel, mlir::ModuleOp module, const Isa &target);
  void finish();

  // Pointers to the memory of a kernel operand or yielded result, given as the op's value.
  mlir::Value operand(mlir::Value value);
  mlir::Value result(mlir::Value value);
  SiteRow site(mlir::Value elastic);
  TrainableRow trainable(mlir::Value value);
  mlir::Value scratch() { return scratchPointer; }
  // body(tile) for every tile of this call.
  void forTiles(llvm::function_ref<void(mlir::Value)> body);

  mlir::func::FuncOp function;

private:
  KernelOp kernel;
  mlir::Value begin, end, scratchPointer;
  Values pointers; // operands, then results
};

// Code of the kernels of one op. An entry for qfa.kernel itself serves bodies of elementwise ops and is given the
// kernel.
struct CpuKernel {
  llvm::StringRef op;
  int64_t (*tiles)(mlir::Operation *);
  int64_t (*scratchBytes)(mlir::Operation *, const Isa &); // null: none
  void (*emit)(mlir::Operation *, KernelBuilder &);
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_KERNELBUILDER_H
