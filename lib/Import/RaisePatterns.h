// What the raising patterns share: facts of the graph, weights, and the record of the pattern that came closest.

#ifndef QFA_LIB_IMPORT_RAISEPATTERNS_H
#define QFA_LIB_IMPORT_RAISEPATTERNS_H

#include "ShapeFacts.h"
#include "mlir/IR/PatternMatch.h"

namespace qfa::onnx {

/// Where a pattern gave up: after how many matched nodes, and why.
struct Miss {
  llvm::StringRef pattern;
  unsigned matched = 0;
  std::string reason;
};

struct RaiseState {
  ShapeFacts facts;
  llvm::MapVector<mlir::Operation *, Miss> misses; // the best of each node
  llvm::DenseMap<mlir::Operation *, bool> layouts; // parameters whose logical layout is decided: transposed?
};

/// A pattern rooted at a node. Nodes are visited in order, so the operands of a node are raised before it, and a raised
/// operand is an `onnx.from_tensor`.
class NodePattern : public mlir::OpRewritePattern<NodeOp> {
public:
  NodePattern(mlir::MLIRContext *context, RaiseState &state, llvm::StringRef name, unsigned benefit = 1)
      : OpRewritePattern(context, benefit), state(state), name(name) {
    setDebugName(name);
  }

protected:
  /// Gives up after `matched` nodes fit the pattern; 0 when even the root does not.
  mlir::LogicalResult miss(mlir::PatternRewriter &rewriter, NodeOp node, unsigned matched,
                           const llvm::Twine &reason) const;

  /// Replaces the node by a typed tensor.
  void replace(mlir::PatternRewriter &rewriter, NodeOp node, mlir::Value tensor) const;

  /// The value of a weight for its user. `reversed`: the logical layout is the reverse of the file's. Null, with the
  /// reason, when the weight is used the other way elsewhere.
  mlir::Value weight(mlir::PatternRewriter &rewriter, NodeOp user, InitializerOp initializer, bool reversed) const;

  RaiseState &state;
  llvm::StringRef name;
};

/// The standard operator `type` that computes `value`, or null.
NodeOp definedBy(mlir::Value value, llvm::StringRef type);

/// The value under casts between floats, identities: what does not change numbers.
mlir::Value peel(mlir::Value value);

/// The typed tensor behind a raised value, or null.
mlir::Value tensorOf(mlir::Value value);

/// The initializer under casts, and whether an odd number of transposes stands between.
struct WeightUse {
  InitializerOp initializer;
  bool reversed = false;
};
WeightUse weightUse(mlir::Value value);

/// Splits a product of a scalar constant and a tensor: returns the tensor and multiplies `factor`. Knows division, too.
mlir::Value peelFactor(mlir::Value value, ShapeFacts &facts, double &factor);

/// The tensor type of activations: [batch, sequence, features].
mlir::RankedTensorType activationType(mlir::MLIRContext *context, int64_t features);

void populateViewPatterns(mlir::RewritePatternSet &patterns, RaiseState &state);
void populateLinearPatterns(mlir::RewritePatternSet &patterns, RaiseState &state);
void populateNormPatterns(mlir::RewritePatternSet &patterns, RaiseState &state);
void populateRopePatterns(mlir::RewritePatternSet &patterns, RaiseState &state);
void populateAttentionPatterns(mlir::RewritePatternSet &patterns, RaiseState &state);

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_RAISEPATTERNS_H
