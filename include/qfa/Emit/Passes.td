// Passes of the Emit stage.
#ifndef QFA_EMIT_PASSES_TD
#define QFA_EMIT_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerProgram : Pass<"qfa-lower-program", "::mlir::ModuleOp"> {
  let summary = "turn functions of launches into entries of the module ABI";
  let description = [{
    Needs functions of launches with planned memory. Each becomes `llvm.func @qfa_entry_<name>(context, io)` (qfa_entry_fn of
    runtime/include/qfa/module_abi.h): operands are addresses in the arena, in the tables of the context or in io, and every launch is
    one call of the context's launch function with the kernel's index. Returned values are copied to the outputs. Symbols of
    parameters, sites, states and trainables stay: the module tables are made from them. Kernels are left alone.

    Example:
    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {qfa.arena_bytes = 64 : i64} {
      %y = qfa.launch @double(%x) {offsets = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    // becomes llvm.func @qfa_entry_f(%context: !llvm.ptr, %io: !llvm.ptr)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::qfa::QfaDialect"];
}

#endif // QFA_EMIT_PASSES_TD
