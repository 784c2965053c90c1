// The onnx dialect.
#ifndef QFA_IMPORT_ONNX_H
#define QFA_IMPORT_ONNX_H

#include "qfa/Dialect/Qfa.h"

#include "qfa/Import/OnnxDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "qfa/Import/OnnxTypes.h.inc"

#define GET_OP_CLASSES
#include "qfa/Import/OnnxOps.h.inc"

namespace qfa::onnx {

/// A dimension coefficient * batch^batch * sequence^sequence, the exponents 0 or 1.
struct Dim {
  int64_t coefficient = 1;
  bool batch = false, sequence = false;

  int64_t at(int64_t batchSize, int64_t sequenceSize) const {
    return coefficient * (batch ? batchSize : 1) * (sequence ? sequenceSize : 1);
  }
  std::string str() const;
  static std::optional<Dim> parse(llvm::StringRef text);
};

/// The shape of a parameter as the file holds it.
llvm::SmallVector<int64_t> storedShape(qfa::ParameterOp parameter);

} // namespace qfa::onnx

#endif // QFA_IMPORT_ONNX_H
