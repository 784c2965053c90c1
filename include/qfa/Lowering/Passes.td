// Stage 6, lowering: from kernels to code of a device, in this order.
#ifndef QFA_LOWERING_PASSES_TD
#define QFA_LOWERING_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerKernelsToCpu : Pass<"qfa-lower-kernels-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Turn kernels into functions of loops and vectors";
  let description = [{
    Every `qfa.kernel` becomes a function `(args, begin, end, scratch)` as `qfa_kernel_fn` of `qfa/module_abi.h` wants it: args
    points to the pointers of the kernel's operands, then of its results; tiles begin .. end - 1 are computed. The attributes
    `qfa.tiles`, `qfa.scratch_bytes` and `qfa.flops` say how it is to be launched. Shapes are static and become constants.
    Code that kernels share (micro-kernels, dequantizers) becomes internal functions. Other functions are left alone.

    Example:
    ```mlir
    qfa.kernel @add { ^bb0(%a: tensor<8xf32>, %b: tensor<8xf32>): ... }
    // becomes
    func.func @add(%args: !llvm.ptr, %begin: i64, %end: i64, %scratch: !llvm.ptr) attributes {qfa.tiles = 1 : i64, ...}
    ```
  }];
  let options = [
    Option<"isaName", "isa", "std::string", "\"portable\"", "Instruction set: portable, avx2 or avx512">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"qfa-expand-math"> {
  let summary = "Replace erf, sin and cos of vectors by polynomials";
  let description = [{
    Library calls would cost a call per lane. exp, log and tanh need no expansion: kernels emit their own.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

#endif // QFA_LOWERING_PASSES_TD
