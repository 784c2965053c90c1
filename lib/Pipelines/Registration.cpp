// Registration of all dialects and passes, for every tool alike.
#include "qfa/Pipelines/Registration.h"

#include "qfa/Autodiff/Passes.h"
#include "qfa/Dialect/Qfa.h"
#include "qfa/Emit/Passes.h"
#include "qfa/Import/Passes.h"
#include "qfa/Kernels/Passes.h"
#include "qfa/Lowering/Passes.h"
#include "qfa/Pipelines/Passes.h"
#include "qfa/Schedule/Passes.h"
#include "qfa/Supernet/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void qfa::registerAllDialects(DialectRegistry &registry) {
  registry.insert<QfaDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect,
                  LLVM::LLVMDialect, math::MathDialect, NVVM::NVVMDialect, scf::SCFDialect, tensor::TensorDialect,
                  vector::VectorDialect>();
  registerImportDialects(registry);
  registerArithDerivatives(registry);
}

void qfa::registerAllPasses() {
  registerTransformsPasses();
  registerImportPasses();
  registerImportPipelines();
  registerSupernetPasses();
  registerAutodiffPasses();
  registerSchedulePasses();
  registerKernelsPasses();
  registerLoweringPasses();
  registerLoweringPipelines();
  registerEmitPasses();
  registerPipelinesPasses();
}
