// The order of stage 1.

#include "qfa/Import/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "qfa/Import/Onnx.h"

using namespace mlir;

void qfa::buildImportPipeline(OpPassManager &passes) {
  passes.addNestedPass<func::FuncOp>(createStripInference());
  passes.addNestedPass<func::FuncOp>(createFoldOnnx());
  passes.addNestedPass<func::FuncOp>(createRaiseOnnx());
  passes.addPass(createNameParameters());
}

void qfa::registerImportPipelines() {
  PassPipelineRegistration<>("qfa-import", "Stage 1: an ONNX graph as it was written, to qfa model ops",
                             buildImportPipeline);
}

void qfa::registerImportDialects(DialectRegistry &registry) { registry.insert<onnx::OnnxDialect, QfaDialect>(); }
