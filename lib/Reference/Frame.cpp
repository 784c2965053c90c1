// Evaluation of a block, op by op.
#include "Frame.h"

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

static void roundToFloat(MutableArrayRef<double> values) {
  for (double &value : values)
    value = static_cast<float>(value);
}

// In F32 all that an op produced or changed becomes float: results, buffers, trained tensors. Integers are exact
// anyway.
void Frame::roundResults(Operation *op) {
  for (Value result : op->getResults())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()); type && isa<FloatType>(type.getElementType())) {
      Tensor rounded = tensor(result);
      roundToFloat(rounded.data);
      set(result, std::move(rounded));
    }
  for (Value operand : op->getOperands()) {
    if (isa<BufferType>(operand.getType()))
      roundToFloat(buffer(operand));
    if (isa<TrainableType>(operand.getType())) {
      Trained &row = trained(operand);
      roundToFloat(row.value.data);
      roundToFloat(row.m);
      roundToFloat(row.v);
    }
  }
}

LogicalResult Frame::evaluate(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<WeightOp, EmbeddingOp, RmsNormOp, LinearOp, RopeOp, GatedActivationOp, SelectTokenOp, AttentionOp,
            CachedAttentionOp, AttentionGradOp, ElasticRefOp, GroupPoolOp, GroupUnpoolOp, AdapterDownOp,
            AdapterDownGradOp, CrossEntropyOp, CrossEntropyWeightGradOp, LinearGradOp, AccumulateOuterOp, RmsNormGradOp,
            RmsNormGainGradOp, EmbeddingGradOp, GatedActivationGradOp, GradientNormOp, AdamwOp, StateRefOp, StateAllOp,
            TrainableRefOp, LaunchOp>([&](auto known) { return reference::evaluate(known, *this); })
      .Default([&](Operation *other) { return evaluateElementwise(other, *this); });
}

LogicalResult Frame::run(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (failed(evaluate(&op)))
      return failure();
    // References name memory that is already as it should be; a launch's body has rounded.
    if (interpreter.getPrecision() == Precision::F32 &&
        !isa<WeightOp, ElasticRefOp, StateRefOp, StateAllOp, TrainableRefOp, LaunchOp>(op))
      roundResults(&op);
  }
  return success();
}
