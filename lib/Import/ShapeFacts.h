// What is known of a graph's values: their shapes and, where these follow from shapes and constants, their elements.

#ifndef QFA_LIB_IMPORT_SHAPEFACTS_H
#define QFA_LIB_IMPORT_SHAPEFACTS_H

#include "Evaluate.h"
#include "llvm/ADT/DenseMap.h"
#include <array>

namespace qfa::onnx {

/// Evaluates values on three pairs of batch and sequence, on demand. The pairs tell constants, multiples of the batch,
/// of the sequence and of both apart, and are small, so that a whole graph takes milliseconds.
class ShapeFacts {
public:
  struct Sample {
    int64_t batch, sequence;
  };
  static constexpr std::array<Sample, 3> samples = {{{2, 3}, {3, 5}, {5, 7}}};

  /// The value on a sample: shape, elements when known; null when not even the shape is.
  const HostTensor *get(mlir::Value value, unsigned sample);

  /// Whether the elements are known on all samples.
  bool isKnown(mlir::Value value);

  /// Symbolic dimensions, none when the shape is unknown or not made of multiples.
  std::optional<llvm::SmallVector<Dim>> dims(mlir::Value value);

  /// The one element of a value that is the same on all samples.
  std::optional<double> scalar(mlir::Value value);

  /// Evaluates as if scalar constants of this magnitude had another one. Before anything else.
  void substitute(int64_t magnitude, int64_t by) { substitution = {magnitude, by}; }

  /// Forgets the results of an op that is about to go: its memory may be another op's soon.
  void forget(mlir::Operation *op);

  /// The dimension that has these sizes on the samples.
  static std::optional<Dim> fit(llvm::ArrayRef<int64_t> sizes);

  /// Follows views from `value` back to the tensor they look at and returns it, with what `value` shows of it on the
  /// first sample: element i of `shown` is 1 + the index of the element of the source, negative where it is negated.
  /// Null when there is no such source.
  mlir::Value followViews(mlir::Value value, HostTensor &shown);

private:
  using Values = std::array<std::optional<HostTensor>, 3>;
  const Values &evaluateValue(mlir::Value value);
  void evaluateNode(NodeOp node);
  void evaluateLeaf(mlir::Value value, Values &values);
  bool load(mlir::Value value);

  llvm::DenseMap<mlir::Value, std::unique_ptr<Values>> facts;
  std::optional<std::pair<int64_t, int64_t>> substitution;
};

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_SHAPEFACTS_H
