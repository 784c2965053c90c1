// Evaluates single ONNX nodes on small host tensors: shapes always, elements when all inputs are known.

#ifndef QFA_LIB_IMPORT_EVALUATE_H
#define QFA_LIB_IMPORT_EVALUATE_H

#include "HostTensor.h"
#include "qfa/Import/Onnx.h"

namespace qfa::onnx {

/// One evaluation: inputs (null where left out) and the results to fill.
struct Evaluation {
  NodeOp node;
  llvm::ArrayRef<const HostTensor *> inputs;
  llvm::SmallVectorImpl<HostTensor> &results;

  bool has(unsigned i) const { return i < inputs.size() && inputs[i]; }
  const HostTensor &in(unsigned i) const { return *inputs[i]; }
  HostTensor &out(unsigned i = 0) { return results[i]; }
  bool allKnown() const;
  /// The elements of a known integer input, or the attribute that older versions of the operator have.
  std::optional<llvm::SmallVector<int64_t>> integers(unsigned input, llvm::StringRef attribute) const;
};

using EvaluateFn = mlir::LogicalResult (*)(Evaluation &);

/// Evaluates a node. Fails when the operator is unknown or its inputs do not fit it: nothing is known of the results
/// then.
mlir::LogicalResult evaluate(NodeOp node, llvm::ArrayRef<const HostTensor *> inputs,
                             llvm::SmallVectorImpl<HostTensor> &results);

/// The evaluators of operators that move elements, and of those that compute. Null for others.
EvaluateFn findViewEvaluator(llvm::StringRef type);
EvaluateFn findMathEvaluator(llvm::StringRef type);

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_EVALUATE_H
