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

def LowerKernelsToGpu : Pass<"qfa-lower-kernels-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Turn kernels into GPU functions and the launches of them";
  let description = [{
    Every `qfa.kernel` becomes a `qfa.gpu_kernel` of the same name, which lists launches, and functions in the one `gpu.module
    @kernels`. A function takes the kernel's pointers, the workspace and the launch's argument. Shapes are static and become
    constants; the bit width is read from the site table at run time where it is not static. Matrix products run on tensor cores
    (`mma.sync`) on factors rounded to bf16 with sums in f32, or, with `precision=f32`, unrounded on the other units, in the
    same kernels otherwise. How products are cut into tiles depends on `arch`: the code may need as much shared memory as that
    architecture's cards have. Tiles are large where there is at least one for each of a card's multiprocessors.

    Example:
    ```mlir
    qfa.kernel @add { ^bb0(%a: tensor<8xf32>, %b: tensor<8xf32>): ... }
    // becomes
    qfa.gpu_kernel @add pointers 3 workspace 0 flops 8 bytes 96 {
      qfa.gpu_launch @kernels::@add__elements grid [1, 1, 1] block 256 argument 0
    }
    gpu.module @kernels { llvm.func @add__elements(%a: !llvm.ptr<1>, ...) attributes {nvvm.kernel, ...} { ... } }
    ```
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"bf16\"", "Factors of matrix products: bf16 or f32">,
    Option<"arch", "arch", "std::string", "\"80\"", "Architecture whose tiles products have: 80, 90, 90a, ..">,
    Option<"multiprocessors", "multiprocessors", "unsigned", "0", "Of the card (default: as many as an A100 has, or an H100 from 90 on)">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"qfa-expand-math"> {
  let summary = "Replace erf, sin and cos of vectors by polynomials";
  let description = [{
    Library calls would cost a call per lane. exp, log and tanh need no expansion: kernels emit their own.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

#endif // QFA_LOWERING_PASSES_TD
