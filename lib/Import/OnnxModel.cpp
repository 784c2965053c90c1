// Reads ModelProto, GraphProto and NodeProto. Unknown fields are skipped; what would change the meaning of the graph
// and is not supported (functions, sparse tensors) is refused.

#include "qfa/Import/OnnxModel.h"
#include "TensorReader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace qfa::onnx;

/// Calls `visit` on every field of a message.
static Error forEachField(WireReader &message, function_ref<Error(const WireField &)> visit) {
  for (;;) {
    Expected<std::optional<WireField>> field = message.next();
    if (!field)
      return field.takeError();
    if (!*field)
      return Error::success();
    if (Error error = visit(**field))
      return error;
  }
}

static Error readNested(const WireReader &outer, const WireField &field, StringRef name,
                        function_ref<Error(WireReader &, const WireField &)> visit) {
  Expected<WireReader> message = outer.nested(field, name);
  if (!message)
    return message.takeError();
  return forEachField(*message, [&](const WireField &inner) { return visit(*message, inner); });
}

/// The module that torch's metadata names: the last but one of "['', 'model', 'model.norm', 'mul_3']".
static std::string scopeOfMetadata(StringRef list) {
  SmallVector<StringRef> parts;
  list.trim("[]").split(parts, ',');
  return parts.size() < 2 ? std::string() : parts[parts.size() - 2].trim().trim("'\"").str();
}

/// The module in a path-like node name: /model/norm/Mul is model.norm.
static std::string scopeOfName(StringRef name) {
  if (!name.consume_front("/") || !name.contains('/'))
    return {};
  SmallVector<StringRef> parts;
  name.rsplit('/').first.split(parts, '/');
  return llvm::join(parts, ".");
}

namespace {
class GraphReader {
public:
  GraphReader(Model &model) : model(model), tensors(model.path) {}

  Error read(const WireReader &outer, const WireField &field) {
    Error error = readNested(outer, field, "GraphProto", [&](WireReader &graph, const WireField &field) -> Error {
      switch (field.number) {
      case 1:
        return readNode(graph, field);
      case 5:
        return readInitializer(graph, field);
      case 11:
        return readValue(graph, field, model.inputs.emplace_back());
      case 12:
        return readValue(graph, field, model.outputs.emplace_back());
      case 15:
        return graph.error("sparse initializers are not supported");
      }
      return Error::success();
    });
    if (error)
      return error;
    return tensors.checkOverlaps(model.initializers);
  }

private:
  Error readTensor(WireReader &outer, const WireField &field, Tensor &out) {
    Expected<WireReader> message = outer.nested(field, "TensorProto");
    if (!message)
      return message.takeError();
    Expected<Tensor> tensor = tensors.read(*message);
    if (!tensor)
      return tensor.takeError();
    out = std::move(*tensor);
    return Error::success();
  }

  Error readInitializer(WireReader &graph, const WireField &field) {
    Tensor tensor;
    if (Error error = readTensor(graph, field, tensor))
      return error;
    if (!names.insert(tensor.name).second)
      return graph.error("initializer '" + tensor.name + "' is defined twice");
    model.initializers.push_back(std::move(tensor));
    return Error::success();
  }

  Error readAttribute(WireReader &node, const WireField &field, NodeAttribute &out) {
    return readNested(node, field, "AttributeProto", [&](WireReader &attribute, const WireField &field) -> Error {
      switch (field.number) {
      case 1:
        out.name = field.bytes;
        break;
      case 2:
        out.f = bit_cast<float>(static_cast<uint32_t>(field.value));
        break;
      case 3:
        out.i = field.value;
        break;
      case 4:
        out.s = field.bytes;
        break;
      case 5:
        return readTensor(attribute, field, out.tensor);
      case 7:
        return attribute.floats(field, out.floats);
      case 8:
        return attribute.integers(field, out.ints);
      case 9:
        out.strings.push_back(field.bytes);
        break;
      case 20:
        out.kind = field.value;
        break;
      }
      return Error::success();
    });
  }

  Error readNode(WireReader &graph, const WireField &field) {
    Node &node = model.nodes.emplace_back();
    Error error = readNested(graph, field, "NodeProto", [&](WireReader &message, const WireField &field) -> Error {
      switch (field.number) {
      case 1:
        node.inputs.push_back(field.bytes);
        break;
      case 2:
        node.outputs.push_back(field.bytes);
        break;
      case 3:
        node.name = field.bytes;
        break;
      case 4:
        node.type = field.bytes;
        break;
      case 5:
        return readAttribute(message, field, node.attributes.emplace_back());
      case 7:
        node.domain = field.bytes == "ai.onnx" ? StringRef() : field.bytes;
        break;
      case 9: {
        StringRef key, value;
        Error error = readNested(message, field, "StringStringEntryProto", [&](WireReader &, const WireField &field) {
          (field.number == 1 ? key : value) = field.bytes;
          return Error::success();
        });
        if (error)
          return error;
        if (key == "pkg.torch.onnx.name_scopes")
          node.scope = scopeOfMetadata(value);
        break;
      }
      }
      return Error::success();
    });
    if (error)
      return error;
    if (node.scope.empty())
      node.scope = scopeOfName(node.name);
    return Error::success();
  }

  Error readValue(WireReader &graph, const WireField &field, ValueInfo &out) {
    return readNested(graph, field, "ValueInfoProto", [&](WireReader &value, const WireField &field) -> Error {
      if (field.number == 1)
        out.name = field.bytes;
      if (field.number != 2)
        return Error::success();
      return readNested(value, field, "TypeProto", [&](WireReader &type, const WireField &field) -> Error {
        if (field.number != 1)
          return Error::success();
        return readNested(type, field, "TypeProto.Tensor", [&](WireReader &tensor, const WireField &field) -> Error {
          if (field.number == 1)
            out.type = static_cast<DataType>(field.value);
          if (field.number != 2)
            return Error::success();
          return readNested(tensor, field, "TensorShapeProto", [&](WireReader &shape, const WireField &field) -> Error {
            if (field.number != 1)
              return Error::success();
            int64_t &dim = out.dims.emplace_back(-1);
            return readNested(shape, field, "TensorShapeProto.Dimension", [&](WireReader &, const WireField &field) {
              if (field.number == 1)
                dim = field.value;
              return Error::success();
            });
          });
        });
      });
    });
  }

  Model &model;
  TensorReader tensors;
  StringSet<> names;
};
} // namespace

static Error readOpset(const WireReader &outer, const WireField &field, Model &model) {
  auto &[domain, version] = model.opsets.emplace_back();
  return readNested(outer, field, "OperatorSetIdProto", [&](WireReader &, const WireField &field) {
    if (field.number == 1)
      domain = field.bytes == "ai.onnx" ? StringRef() : field.bytes;
    if (field.number == 2)
      version = field.value;
    return Error::success();
  });
}

Expected<Model> qfa::onnx::parseModel(StringRef path, std::unique_ptr<MemoryBuffer> bytes) {
  Model model;
  model.path = path.str();
  model.bytes = std::move(bytes);
  StringRef all = model.bytes->getBuffer();
  WireReader reader(model.path, all, all, "ModelProto");
  bool hasGraph = false;
  Error error = forEachField(reader, [&](const WireField &field) -> Error {
    switch (field.number) {
    case 7:
      if (hasGraph)
        return reader.error("a second graph");
      hasGraph = true;
      return GraphReader(model).read(reader, field);
    case 8:
      return readOpset(reader, field, model);
    case 25:
      return reader.error("model functions are not supported; inline them with onnx.inliner");
    }
    return Error::success();
  });
  if (error)
    return std::move(error);
  if (!hasGraph)
    return reader.error("no graph found; is this an ONNX file?");
  return model;
}

Expected<Model> qfa::onnx::readModel(StringRef path) {
  auto bytes = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!bytes)
    return createStringError(bytes.getError(), path + ": " + bytes.getError().message());
  return parseModel(path, std::move(*bytes));
}
