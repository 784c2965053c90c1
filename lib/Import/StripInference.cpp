// Reduces a graph to what training needs: identifiers in, logits out; padding masks are ones, caches are empty.

#include "qfa/Import/Onnx.h"
#include "qfa/Import/Passes.h"

namespace qfa {
#define GEN_PASS_DEF_STRIPINFERENCE
#include "qfa/Import/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa::onnx;

namespace {
struct StripInference : qfa::impl::StripInferenceBase<StripInference> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || failed(stripInputs(function)) || failed(stripResults(function)))
      signalPassFailure();
  }

  static StringRef nameOf(Attribute name, StringRef otherwise) {
    auto text = dyn_cast_or_null<StringAttr>(name);
    return text ? text.getValue() : otherwise;
  }

  static Value shape(OpBuilder &builder, Location loc, ArrayRef<StringRef> dims, bool scalar = false) {
    return ShapeOp::create(builder, loc, builder.getStrArrayAttr(dims), scalar ? builder.getUnitAttr() : UnitAttr());
  }

  static Value node(OpBuilder &builder, Location loc, StringRef type, ValueRange inputs,
                    DictionaryAttr attributes = {}) {
    return NodeOp::create(builder, loc, ValueType::get(builder.getContext()), builder.getStringAttr(type), inputs,
                          attributes, StringAttr(), StringAttr())
        .getResult(0);
  }

  static Value filled(OpBuilder &builder, Location loc, ArrayRef<StringRef> dims, TypedAttr value) {
    auto attributes = builder.getDictionaryAttr(builder.getNamedAttr(
        "value", DenseElementsAttr::get(RankedTensorType::get({1}, value.getType()), Attribute(value))));
    return node(builder, loc, "ConstantOfShape", shape(builder, loc, dims), attributes);
  }

  /// 0 .. sequence - 1 in every batch row.
  static Value positions(OpBuilder &builder, Location loc) {
    auto scalar = [&](int64_t value) {
      return ConstantOp::create(builder, loc,
                                DenseElementsAttr::get(RankedTensorType::get({}, builder.getI64Type()), value));
    };
    Value range = node(builder, loc, "Range", {scalar(0), shape(builder, loc, {"S"}, true), scalar(1)});
    return node(builder, loc, "Expand", {range, shape(builder, loc, {"B", "S"})});
  }

  /// What stands for an input that training does not have; null when the input has no such meaning.
  static Value standIn(OpBuilder &builder, Location loc, StringRef name, RankedTensorType type) {
    bool isMatrix = type.getRank() == 2 && isa<IntegerType>(type.getElementType());
    if (name.contains("mask") && isMatrix)
      return filled(builder, loc, {"B", "S"}, builder.getI64IntegerAttr(1));
    if (name.contains("position") && isMatrix)
      return positions(builder, loc);
    if (!name.contains("past") || type.getRank() != 4 || !type.isDynamicDim(0))
      return {};
    SmallVector<std::string> text = {"B"};
    for (int64_t dim : type.getShape().drop_front())
      text.push_back(ShapedType::isDynamic(dim) ? "0" : std::to_string(dim));
    SmallVector<StringRef> dims(text.begin(), text.end());
    return filled(builder, loc, dims, builder.getF32FloatAttr(0));
  }

  static LogicalResult refuse(func::FuncOp function, BlockArgument input, StringRef name) {
    InFlightDiagnostic error = function.emitError("input '")
                               << name << "' of type " << input.getType()
                               << " has no meaning in training, expected identifiers, *mask*, *position* or past*";
    Operation *reader = nullptr; // a node, behind the conversion of the input
    for (Value value = input; value && !value.use_empty() && !isa_and_nonnull<NodeOp>(reader);
         value = reader->getNumResults() ? reader->getResult(0) : Value())
      reader = *value.user_begin();
    if (auto node = dyn_cast_or_null<NodeOp>(reader)) {
      error << "; operator '" << node.getType() << "' (domain " << node.getDomain().value_or("ai.onnx") << ")";
      if (auto name = dyn_cast<NameLoc>(node.getLoc()))
        error << " of node '" << name.getName().getValue() << "'";
      error << " reads it";
    }
    return error;
  }

  LogicalResult stripInputs(func::FuncOp function) {
    OpBuilder builder(function.getContext());
    builder.setInsertionPointToStart(&function.getBody().front());
    BlockArgument ids;
    llvm::BitVector erased(function.getNumArguments());
    for (BlockArgument argument : function.getArguments()) {
      StringRef name = nameOf(function.getArgAttr(argument.getArgNumber(), "onnx.name"), "input");
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      Value value = type ? standIn(builder, argument.getLoc(), name, type) : Value();
      if (value) {
        for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
          user->getResult(0).replaceAllUsesWith(value);
          user->erase();
        }
        erased.set(argument.getArgNumber());
        continue;
      }
      if (!type || ids || !isa<IntegerType>(type.getElementType()) || type.getRank() != 2)
        return refuse(function, argument, name);
      if (!type.isDynamicDim(0) || !type.isDynamicDim(1))
        return function.emitError("input '")
               << name << "' has type " << type << ", expected a symbolic batch and sequence: export with dynamic axes";
      ids = argument;
      ids.setType(RankedTensorType::get(type.getShape(), builder.getI32Type()));
    }
    if (!ids)
      return function.emitError("no input holds token identifiers, expected a tensor<?x?xi64>");
    function.setType(builder.getFunctionType(function.getBody().getArgumentTypes(), function.getResultTypes()));
    return function.eraseArguments(erased);
  }

  /// Keeps the result called logits, or else the first.
  LogicalResult stripResults(func::FuncOp function) {
    Operation *terminator = function.getBody().front().getTerminator();
    unsigned logits = 0;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (nameOf(function.getResultAttr(i, "onnx.name"), "") == "logits")
        logits = i;
    if (!function.getNumResults())
      return function.emitError("the graph has no output");
    llvm::BitVector erased(function.getNumResults(), true);
    erased.reset(logits);
    terminator->setOperands(ValueRange(terminator->getOperand(logits)));
    return function.eraseResults(erased);
  }
};
} // namespace
