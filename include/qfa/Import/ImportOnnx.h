// Stage 1: an ONNX file becomes a module of qfa model ops.
#ifndef QFA_IMPORT_IMPORTONNX_H
#define QFA_IMPORT_IMPORTONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace qfa {

struct ImportOptions {
  /// Stop at the graph as it was written, in the onnx dialect.
  bool raise = true;
};

/// Reads a model: parameters with the places of their bytes, and
///   func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?xVxf32>   // [batch, sequence] to logits
/// Reports what is wrong through the context's diagnostics. Loads the dialects it needs.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(llvm::StringRef path, mlir::MLIRContext *context,
                                                              const ImportOptions &options = {});

} // namespace qfa

#endif // QFA_IMPORT_IMPORTONNX_H
