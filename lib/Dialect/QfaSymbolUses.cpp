// Verification of the uses of symbols: parameters, sites, elastic weights, states, trainables, kernels.
#include "qfa/Dialect/Qfa.h"

using namespace mlir;
using namespace qfa;

template <typename SymbolT>
static SymbolT lookup(SymbolTableCollection &tables, Operation *op, FlatSymbolRefAttr name, StringRef what) {
  auto symbol = tables.lookupNearestSymbolFrom<SymbolT>(op, name);
  if (!symbol)
    op->emitOpError("names ") << name << ", which is not a " << what;
  return symbol;
}

static LogicalResult expectType(Operation *op, Operation *symbol, Type found, Type wanted) {
  if (found == wanted)
    return success();
  auto error = op->emitOpError("has type ") << found << ", its symbol has " << wanted;
  error.attachNote(symbol->getLoc()) << "declared here";
  return error;
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto parameter = lookup<ParameterOp>(tables, *this, getParameterAttr(), "qfa.parameter"); // weight_c1
  return parameter ? expectType(*this, parameter, getResult().getType(), parameter.getType()) : failure();
}

LogicalResult ElasticOp::verifySymbolUses(SymbolTableCollection &tables) {
  ElasticType type = cast<ElasticType>(getType());
  auto parameter = lookup<ParameterOp>(tables, *this, getParameterAttr(), "qfa.parameter"); // elastic_c1
  if (!parameter)
    return failure();
  auto source = cast<RankedTensorType>(parameter.getType());
  if (source.getShape() != ArrayRef<int64_t>({type.getOut(), type.getIn()}))
    return expectType(*this, parameter, type, source);
  auto site = lookup<SiteOp>(tables, *this, getSiteAttr(), "qfa.site"); // elastic_c2
  if (!site)
    return failure();
  if (site.getBits() == type.getBits())
    return success();
  auto error = emitOpError("has bit widths other than its site's");
  error.attachNote(site.getLoc()) << "the site is declared here";
  return error;
}

LogicalResult ElasticRefOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto elastic = lookup<ElasticOp>(tables, *this, getElasticAttr(), "qfa.elastic"); // elastic_ref_c1
  return elastic ? expectType(*this, elastic, getResult().getType(), elastic.getType()) : failure();
}

LogicalResult StateRefOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto state = lookup<StateOp>(tables, *this, getStateAttr(), "qfa.state"); // state_ref_c1
  return state ? expectType(*this, state, getResult().getType(), state.getType()) : failure();
}

// The tensor that source and role name: [rank, groups], [out, rank] or the parameter's own.
static RankedTensorType trainedType(TrainableOp op, SymbolTableCollection &tables) {
  StringRef role = op.getRole();
  if (role == "value") {
    auto parameter = lookup<ParameterOp>(tables, op, op.getSourceAttr(), "qfa.parameter");
    return parameter ? cast<RankedTensorType>(parameter.getType()) : RankedTensorType();
  }
  if (role != "adapter_a" && role != "adapter_b") {
    op.emitOpError("has role '") << role << "', wanted adapter_a, adapter_b or value";
    return {};
  }
  auto elastic = lookup<ElasticOp>(tables, op, op.getSourceAttr(), "qfa.elastic");
  if (!elastic)
    return {};
  auto type = cast<ElasticType>(elastic.getType());
  int64_t rank = type.getRank(), groups = type.getGroups();
  return RankedTensorType::get(role == "adapter_a" ? ArrayRef({rank, groups}) : ArrayRef({type.getOut(), rank}),
                               Float32Type::get(op.getContext()));
}

LogicalResult TrainableOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto type = cast<TrainableType>(getType());
  RankedTensorType source = trainedType(*this, tables); // trainable_c1
  if (!source)
    return failure();
  if (type.getTensorType() != source)
    return emitOpError("has type ") << type << ", its source is " << source;
  auto gradient = lookup<StateOp>(tables, *this, getGradientAttr(), "qfa.state"); // trainable_c2
  if (!gradient)
    return failure();
  if (gradient.getKind() == StateKind::gradient &&
      cast<BufferType>(gradient.getType()).getTensorType() == type.getTensorType())
    return success();
  auto error = emitOpError("has a gradient that is not a gradient state of its type");
  error.attachNote(gradient.getLoc()) << "declared here";
  return error;
}

LogicalResult TrainableRefOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto trainable = lookup<TrainableOp>(tables, *this, getTrainableAttr(), "qfa.trainable"); // trainable_ref_c1
  return trainable ? expectType(*this, trainable, getResult().getType(), trainable.getType()) : failure();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto kernel = lookup<KernelOp>(tables, *this, getKernelAttr(), "qfa.kernel"); // launch_c1
  if (!kernel)
    return failure();
  Block &body = kernel.getBody().front();
  if (TypeRange(getInputs()) == TypeRange(body.getArgumentTypes()) &&
      getResultTypes() == body.getTerminator()->getOperandTypes()) // launch_c2
    return success();
  auto error = emitOpError("has operands or results of other types than its kernel");
  error.attachNote(kernel.getLoc()) << "declared here";
  return error;
}
