// Writes the structures of an ONNX file down as IR, then runs the passes of the stage.

#include "qfa/Import/ImportOnnx.h"
#include "HostTensor.h"
#include "qfa/Import/Onnx.h"
#include "qfa/Import/OnnxModel.h"
#include "qfa/Import/Passes.h"

using namespace mlir;
using namespace qfa;
using namespace qfa::onnx;

// Operators changed meaning often before it, and no exporter of decoders writes less.
static constexpr int64_t oldestOpset = 13;
static constexpr int64_t largestConstant = 64 << 10;

namespace {
class GraphBuilder {
public:
  GraphBuilder(Model &model, MLIRContext *context)
      : model(model), builder(context), moduleLoc(NameLoc::get(builder.getStringAttr(model.path))) {}

  FailureOr<OwningOpRef<ModuleOp>> build() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(moduleLoc);
    this->module = *module;
    if (failed(setOpsets()) || failed(buildFunction()))
      return failure();
    return module;
  }

private:
  LogicalResult setOpsets() {
    NamedAttrList opsets;
    for (auto [domain, version] : model.opsets) {
      if (domain.empty() && version < oldestOpset)
        return emitError(moduleLoc) << "opset " << version << " of ai.onnx is not supported, expected at least "
                                    << oldestOpset;
      opsets.set(domain.empty() ? "ai.onnx" : domain, builder.getI64IntegerAttr(version));
    }
    module->setAttr("onnx.opsets", opsets.getDictionary(builder.getContext()));
    return success();
  }

  /// Constants of the file are f32, i64 and i1 in the IR; the storage type matters for weights only.
  FailureOr<ElementsAttr> constantAttr(Tensor &tensor, Location loc) {
    if (tensor.size() * bytesOf(tensor.type) > largestConstant)
      return emitError(loc) << "constant '" << tensor.name << "' has " << tensor.size() * bytesOf(tensor.type)
                            << " bytes, expected at most " << largestConstant;
    if (llvm::Error error = loadValues(tensor))
      return emitError(loc) << llvm::toString(std::move(error));
    HostTensor host(isFloat(tensor.type)            ? HostTensor::Float
                    : tensor.type == DataType::Bool ? HostTensor::Bool
                                                    : HostTensor::Int,
                    tensor.dims);
    host.allocate();
    for (size_t i = 0; i < host.words.size(); ++i)
      if (host.kind == HostTensor::Float)
        host.set(i, tensor.floats[i]);
      else
        host.setInteger(i, tensor.ints[i]);
    return host.toAttribute(builder.getContext());
  }

  /// A float matrix or vector is a weight that stays in its file; all else is a constant.
  FailureOr<Value> buildTensor(Tensor &tensor, StringRef name, Location loc) {
    if (!isFloat(tensor.type) || tensor.size() <= 1 || tensor.file.empty()) {
      FailureOr<ElementsAttr> value = constantAttr(tensor, loc);
      if (failed(value))
        return failure();
      return ConstantOp::create(builder, loc, *value).getResult();
    }
    if (tensor.type == DataType::Double)
      return emitError(loc) << "weight '" << name << "' is stored as float64, expected float32, float16 or bfloat16";
    Type storage = tensor.type == DataType::Float     ? Type(builder.getF32Type())
                   : tensor.type == DataType::Float16 ? Type(builder.getF16Type())
                                                      : Type(builder.getBF16Type());
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(function);
    auto parameter =
        ParameterOp::create(builder, loc, builder.getStringAttr(name),
                            TypeAttr::get(RankedTensorType::get(tensor.dims, builder.getF32Type())),
                            builder.getStringAttr(tensor.file), builder.getI64IntegerAttr(tensor.offset),
                            builder.getI64IntegerAttr(tensor.bytes), TypeAttr::get(storage), UnitAttr(), TypeAttr());
    builder.setInsertionPointToEnd(&function.getBody().front());
    return InitializerOp::create(builder, loc, FlatSymbolRefAttr::get(parameter.getSymNameAttr())).getResult();
  }

  FailureOr<Attribute> buildAttribute(NodeAttribute &attribute, Location loc) {
    switch (attribute.kind) {
    case NodeAttribute::Float:
      return Attribute(builder.getF32FloatAttr(attribute.f));
    case NodeAttribute::Int:
      return Attribute(builder.getI64IntegerAttr(attribute.i));
    case NodeAttribute::String:
      return Attribute(builder.getStringAttr(attribute.s));
    case NodeAttribute::Floats:
      return Attribute(builder.getDenseF32ArrayAttr(attribute.floats));
    case NodeAttribute::Ints:
      return Attribute(builder.getDenseI64ArrayAttr(attribute.ints));
    case NodeAttribute::Strings:
      return Attribute(builder.getStrArrayAttr(attribute.strings));
    case NodeAttribute::TensorValue: {
      FailureOr<ElementsAttr> value = constantAttr(attribute.tensor, loc);
      if (failed(value))
        return failure();
      return Attribute(*value);
    }
    }
    return emitError(loc) << "attribute '" << attribute.name << "' has kind " << attribute.kind
                          << ", which is not supported (subgraphs are kind 5)";
  }

  /// A Constant node: the value of its one attribute.
  FailureOr<Value> buildConstant(Node &node, Location loc) {
    if (node.attributes.size() == 1) {
      NodeAttribute &attribute = node.attributes[0];
      Tensor value;
      value.name = node.outputs[0];
      if (attribute.name == "value" && attribute.kind == NodeAttribute::TensorValue) {
        if (attribute.tensor.size() * bytesOf(attribute.tensor.type) > largestConstant)
          return buildTensor(attribute.tensor, node.outputs[0], loc);
        value = attribute.tensor;
      } else if (attribute.name == "value_int" || attribute.name == "value_ints") {
        value.type = DataType::Int64;
        value.ints = attribute.ints;
        if (attribute.name == "value_int")
          value.ints.assign(1, attribute.i);
        else
          value.dims.push_back(value.ints.size());
      } else if (attribute.name == "value_float" || attribute.name == "value_floats") {
        value.type = DataType::Float;
        value.floats.assign(attribute.floats.begin(), attribute.floats.end());
        if (attribute.name == "value_float")
          value.floats.assign(1, attribute.f);
        else
          value.dims.push_back(value.floats.size());
      }
      if (value.type != DataType::Undefined) {
        FailureOr<ElementsAttr> constant = constantAttr(value, loc);
        if (failed(constant))
          return failure();
        return ConstantOp::create(builder, loc, *constant).getResult();
      }
    }
    return emitError(loc) << "constant '" << node.outputs[0] << "' has no value that is supported";
  }

  LogicalResult buildNode(Node &node) {
    StringRef name = !node.name.empty() ? node.name : node.outputs.empty() ? node.type : node.outputs[0];
    Location loc = NameLoc::get(builder.getStringAttr(name));
    if (node.type == "Constant" && node.domain.empty() && node.outputs.size() == 1) {
      FailureOr<Value> value = buildConstant(node, loc);
      return failed(value) ? failure() : define(node.outputs[0], *value, loc);
    }
    SmallVector<Value> inputs;
    for (StringRef input : node.inputs) {
      Value value = input.empty() ? NoneOp::create(builder, loc).getResult() : values.lookup(input);
      if (!value)
        return emitError(loc) << "node uses '" << input << "', which nothing defines before it";
      inputs.push_back(value);
    }
    NamedAttrList attributes;
    for (NodeAttribute &attribute : node.attributes) {
      FailureOr<Attribute> value = buildAttribute(attribute, loc);
      if (failed(value))
        return failure();
      attributes.set(attribute.name, *value);
    }
    SmallVector<Type> types(node.outputs.size(), ValueType::get(builder.getContext()));
    auto op = NodeOp::create(builder, loc, types, builder.getStringAttr(node.type), inputs,
                             attributes.empty() ? DictionaryAttr() : attributes.getDictionary(builder.getContext()),
                             node.domain.empty() ? StringAttr() : builder.getStringAttr(node.domain),
                             node.scope.empty() ? StringAttr() : builder.getStringAttr(node.scope));
    for (auto [output, result] : llvm::zip(node.outputs, op.getResults()))
      if (!output.empty() && failed(define(output, result, loc)))
        return failure();
    return success();
  }

  LogicalResult define(StringRef name, Value value, Location loc) {
    return values.try_emplace(name, value).second
               ? success()
               : LogicalResult(emitError(loc) << "'" << name << "' is defined twice");
  }

  FailureOr<Type> typeOf(const ValueInfo &info) {
    if (!bytesOf(info.type))
      return emitError(moduleLoc) << "'" << info.name << "' has element type " << static_cast<int32_t>(info.type)
                                  << ", which is not supported";
    Type element = isFloat(info.type)            ? Type(builder.getF32Type())
                   : info.type == DataType::Bool ? Type(builder.getI1Type())
                                                 : Type(builder.getI64Type());
    SmallVector<int64_t> dims;
    for (int64_t dim : info.dims)
      dims.push_back(dim < 0 ? ShapedType::kDynamic : dim);
    return Type(RankedTensorType::get(dims, element));
  }

  LogicalResult buildFunction() {
    llvm::StringMap<bool> isInitializer;
    for (const Tensor &tensor : model.initializers)
      isInitializer[tensor.name] = true;
    SmallVector<const ValueInfo *> inputs; // old files list initializers among the inputs
    SmallVector<Type> inputTypes, outputTypes;
    for (const ValueInfo &input : model.inputs) {
      if (isInitializer.contains(input.name))
        continue;
      FailureOr<Type> type = typeOf(input);
      if (failed(type))
        return failure();
      inputs.push_back(&input);
      inputTypes.push_back(*type);
    }
    for (const ValueInfo &output : model.outputs) {
      FailureOr<Type> type = typeOf(output);
      if (failed(type))
        return failure();
      outputTypes.push_back(*type);
    }

    builder.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(builder, moduleLoc, "forward", builder.getFunctionType(inputTypes, outputTypes));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    for (auto [input, argument] : llvm::zip(inputs, body->getArguments())) {
      Location loc = NameLoc::get(builder.getStringAttr(input->name));
      function.setArgAttr(argument.getArgNumber(), "onnx.name", builder.getStringAttr(input->name));
      argument.setLoc(loc);
      if (failed(define(input->name, FromTensorOp::create(builder, loc, argument), loc)))
        return failure();
    }
    for (Tensor &tensor : model.initializers) {
      Location loc = NameLoc::get(builder.getStringAttr(tensor.name));
      FailureOr<Value> value = buildTensor(tensor, tensor.name, loc);
      if (failed(value) || failed(define(tensor.name, *value, loc)))
        return failure();
    }
    for (Node &node : model.nodes)
      if (failed(buildNode(node)))
        return failure();

    SmallVector<Value> results;
    for (auto [i, output] : llvm::enumerate(model.outputs)) {
      Location loc = NameLoc::get(builder.getStringAttr(output.name));
      Value value = values.lookup(output.name);
      if (!value)
        return emitError(loc) << "output '" << output.name << "' is not defined";
      function.setResultAttr(i, "onnx.name", builder.getStringAttr(output.name));
      results.push_back(ToTensorOp::create(builder, loc, outputTypes[i], value));
    }
    func::ReturnOp::create(builder, moduleLoc, results);
    return success();
  }

  Model &model;
  OpBuilder builder;
  Location moduleLoc;
  ModuleOp module;
  func::FuncOp function;
  llvm::StringMap<Value> values;
};
} // namespace

FailureOr<OwningOpRef<ModuleOp>> qfa::importOnnx(StringRef path, MLIRContext *context, const ImportOptions &options) {
  context->loadDialect<OnnxDialect, QfaDialect, func::FuncDialect, arith::ArithDialect, tensor::TensorDialect>();
  llvm::Expected<Model> model = readModel(path);
  if (!model)
    return emitError(UnknownLoc::get(context)) << llvm::toString(model.takeError());
  FailureOr<OwningOpRef<ModuleOp>> module = GraphBuilder(*model, context).build();
  if (failed(module) || !options.raise)
    return module;
  PassManager passes(context, ModuleOp::getOperationName());
  buildImportPipeline(passes);
  if (failed(passes.run(**module)))
    return failure();
  return module;
}
