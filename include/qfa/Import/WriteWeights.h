// Copies the parameters of a module from where they lie into one safetensors file.
#ifndef QFA_IMPORT_WRITEWEIGHTS_H
#define QFA_IMPORT_WRITEWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace qfa {

struct WriteWeightsOptions {
  /// Refuse a weight that is NaN or infinite, naming the tensor and the index.
  bool refuseNonFinite = true;
};

/// Writes every qfa.parameter under its symbol, in logical order ([out, in]) and the type it is stored in. Holds a few
/// rows at a time. The file appears under `path` only when it is whole.
llvm::Error writeWeights(mlir::ModuleOp module, llvm::StringRef path, const WriteWeightsOptions &options = {});

} // namespace qfa

#endif // QFA_IMPORT_WRITEWEIGHTS_H
