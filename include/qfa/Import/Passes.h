// The passes of stage 1.
#ifndef QFA_IMPORT_PASSES_H
#define QFA_IMPORT_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace qfa {
#define GEN_PASS_DECL
#include "qfa/Import/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "qfa/Import/Passes.h.inc"

/// All passes of the stage in order; also the pipeline --qfa-import.
void buildImportPipeline(mlir::OpPassManager &passes);

/// The pipeline of stage 1; TableGen declares registerImportPasses.
void registerImportPipelines();

/// The onnx dialect.
void registerImportDialects(mlir::DialectRegistry &registry);

} // namespace qfa

#endif // QFA_IMPORT_PASSES_H
