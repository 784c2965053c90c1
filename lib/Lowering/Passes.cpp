// The pipeline from kernels' loops to LLVM.
#include "qfa/Lowering/Passes.h"

#include "mlir/Conversion/Passes.h"
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

void qfa::registerLoweringPipelines() {
  PassPipelineRegistration<>("qfa-lower-kernels-to-llvm", "Lower the loops of kernels to the LLVM dialect",
                             buildLowerKernelsToLlvm);
}
