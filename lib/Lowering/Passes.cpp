// The pipeline from kernels' loops to LLVM.
#include "qfa/Lowering/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace qfa;

namespace qfa {
#define GEN_PASS_DEF_EXPANDMATH
#include "qfa/Lowering/Passes.h.inc"
} // namespace qfa

namespace {
class ExpandMath : public qfa::impl::ExpandMathBase<ExpandMath> {
public:
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(
        patterns, [](StringRef name) { return llvm::is_contained({"math.erf", "math.sin", "math.cos"}, name); });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void qfa::buildLowerKernelsToLlvm(OpPassManager &pm) {
  pm.addPass(createExpandMath());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
}

void qfa::buildLowerGpuToNvvm(OpPassManager &pm) {
  OpPassManager &gpu = pm.nest<gpu::GPUModuleOp>();
  gpu.addPass(createExpandMath());
  gpu.addPass(createCanonicalizerPass());
  gpu.addPass(createCSEPass());
  gpu.addPass(createLoopInvariantCodeMotionPass());
  gpu.addPass(createSCFToControlFlowPass());
  gpu.addPass(createConvertVectorToLLVMPass());
  gpu.addPass(createConvertMathToLLVMPass());
  gpu.addPass(createArithToLLVMConversionPass());
  gpu.addPass(createConvertNVVMToLLVMPass());       // instructions that LLVM has no intrinsics for
  pm.addPass(createConvertControlFlowToLLVMPass()); // runs on builtin modules only, and reaches into others
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.nest<gpu::GPUModuleOp>().addPass(createCanonicalizerPass());
}

void qfa::registerLoweringPipelines() {
  PassPipelineRegistration<>("qfa-lower-kernels-to-llvm", "Lower the loops of kernels to the LLVM dialect",
                             buildLowerKernelsToLlvm);
  PassPipelineRegistration<>("qfa-lower-gpu-to-nvvm", "Lower the functions of GPU modules to the NVVM dialect",
                             buildLowerGpuToNvvm);
}
