// The values of a function or kernel that is being interpreted, and the evaluation of ops on them.
#ifndef QFA_LIB_REFERENCE_FRAME_H
#define QFA_LIB_REFERENCE_FRAME_H

#include "qfa/Reference/Interpreter.h"

#include <variant>

namespace qfa::reference {

using TensorRef = std::shared_ptr<const Tensor>;
using Buffer = llvm::MutableArrayRef<double>;
using Slot = std::variant<TensorRef, Buffer, ElasticRow, Trained *>;

class Frame {
public:
  explicit Frame(Interpreter &interpreter) : interpreter(interpreter) {}

  const Tensor &tensor(mlir::Value value) const { return *std::get<TensorRef>(values.at(value)); }
  Buffer buffer(mlir::Value value) const { return std::get<Buffer>(values.at(value)); }
  const ElasticRow &elastic(mlir::Value value) const { return std::get<ElasticRow>(values.at(value)); }
  Trained &trained(mlir::Value value) const { return *std::get<Trained *>(values.at(value)); }
  // [out, in] of a plain or elastic weight.
  const Tensor &weight(mlir::Value value) const {
    return llvm::isa<ElasticType>(value.getType()) ? *elastic(value).weight : tensor(value);
  }

  const Slot &slot(mlir::Value value) const { return values.at(value); }
  void bind(mlir::Value value, Slot slot) { values.insert_or_assign(value, std::move(slot)); }
  void set(mlir::Value value, Tensor tensor) { bind(value, std::make_shared<const Tensor>(std::move(tensor))); }

  // Runs the ops of a block up to its terminator.
  llvm::LogicalResult run(mlir::Block &block);

  Interpreter &interpreter;

private:
  llvm::LogicalResult evaluate(mlir::Operation *op);
  void roundResults(mlir::Operation *op);

  struct Hash {
    size_t operator()(mlir::Value value) const { return mlir::hash_value(value); }
  };
  std::unordered_map<mlir::Value, Slot, Hash> values;
};

// An activation's dimensions.
struct Tokens {
  int64_t batch, sequence, features;
  explicit Tokens(const Tensor &x) : batch(x.shape[0]), sequence(x.shape[1]), features(x.shape[2]) {}
};

// ModelOps.cpp
llvm::LogicalResult evaluate(WeightOp op, Frame &frame);
llvm::LogicalResult evaluate(EmbeddingOp op, Frame &frame);
llvm::LogicalResult evaluate(RmsNormOp op, Frame &frame);
llvm::LogicalResult evaluate(LinearOp op, Frame &frame);
llvm::LogicalResult evaluate(RopeOp op, Frame &frame);
llvm::LogicalResult evaluate(GatedActivationOp op, Frame &frame);
llvm::LogicalResult evaluate(SelectTokenOp op, Frame &frame);
// Attention.cpp
llvm::LogicalResult evaluate(AttentionOp op, Frame &frame);
llvm::LogicalResult evaluate(CachedAttentionOp op, Frame &frame);
llvm::LogicalResult evaluate(AttentionGradOp op, Frame &frame);
// ElasticOps.cpp
llvm::LogicalResult evaluate(ElasticRefOp op, Frame &frame);
llvm::LogicalResult evaluate(GroupPoolOp op, Frame &frame);
llvm::LogicalResult evaluate(GroupUnpoolOp op, Frame &frame);
llvm::LogicalResult evaluate(AdapterDownOp op, Frame &frame);
llvm::LogicalResult evaluate(AdapterDownGradOp op, Frame &frame);
// TrainingOps.cpp
llvm::LogicalResult evaluate(CrossEntropyOp op, Frame &frame);
llvm::LogicalResult evaluate(CrossEntropyWeightGradOp op, Frame &frame);
llvm::LogicalResult evaluate(LinearGradOp op, Frame &frame);
llvm::LogicalResult evaluate(AccumulateOuterOp op, Frame &frame);
llvm::LogicalResult evaluate(RmsNormGradOp op, Frame &frame);
llvm::LogicalResult evaluate(RmsNormGainGradOp op, Frame &frame);
llvm::LogicalResult evaluate(EmbeddingGradOp op, Frame &frame);
llvm::LogicalResult evaluate(GatedActivationGradOp op, Frame &frame);
llvm::LogicalResult evaluate(GradientNormOp op, Frame &frame);
llvm::LogicalResult evaluate(AdamwOp op, Frame &frame);
// ProgramOps.cpp
llvm::LogicalResult evaluate(StateRefOp op, Frame &frame);
llvm::LogicalResult evaluate(StateAllOp op, Frame &frame);
llvm::LogicalResult evaluate(TrainableRefOp op, Frame &frame);
llvm::LogicalResult evaluate(LaunchOp op, Frame &frame);
// ElementwiseOps.cpp: any other op, or an error that names it
llvm::LogicalResult evaluateElementwise(mlir::Operation *op, Frame &frame);

// activation(x) and its derivative; also the reference of the gradient op.
double activation(GateKind kind, double x);
double activationDerivative(GateKind kind, double x);

} // namespace qfa::reference

#endif // QFA_LIB_REFERENCE_FRAME_H
