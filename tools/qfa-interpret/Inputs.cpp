// Inputs from files, literals and a seed; printing of tensors as literals.
#include "Inputs.h"

#include "qfa/Dialect/Qfa.h"
#include "qfa/Reference/Weights.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

static std::string nameOf(ArrayRef<NamedAttribute> attributes, unsigned index) {
  for (StringRef key : {"qfa.name", "onnx.name"})
    for (NamedAttribute attribute : attributes)
      if (auto text = dyn_cast<StringAttr>(attribute.getValue()); text && attribute.getName() == key)
        return text.str();
  return std::to_string(index);
}

std::string qfa::inputName(func::FuncOp function, unsigned index) {
  return nameOf(function_interface_impl::getArgAttrs(function, index), index);
}
std::string qfa::outputName(func::FuncOp function, unsigned index) {
  return nameOf(function_interface_impl::getResultAttrs(function, index), index);
}

int64_t qfa::vocabularyOf(Operation *module) {
  int64_t rows = 0;
  module->walk([&](EmbeddingOp op) {
    Type table = op.getTable().getType();
    int64_t size = isa<ElasticType>(table) ? cast<ElasticType>(table).getOut() : cast<ShapedType>(table).getDimSize(0);
    rows = rows ? std::min(rows, size) : size;
  });
  return rows;
}

// Nested lists of numbers of equal lengths.
static bool readLiteral(const llvm::json::Value &value, size_t depth, Tensor &tensor) {
  if (std::optional<double> number = value.getAsNumber()) {
    tensor.data.push_back(*number);
    return depth == tensor.shape.size();
  }
  const llvm::json::Array *list = value.getAsArray();
  if (!list)
    return false;
  if (depth == tensor.shape.size() && tensor.data.empty()) // the first list at this depth says its length
    tensor.shape.push_back(list->size());
  return depth < tensor.shape.size() && tensor.shape[depth] == int64_t(list->size()) &&
         llvm::all_of(*list, [&](const llvm::json::Value &item) { return readLiteral(item, depth + 1, tensor); });
}

// `name` is the array wanted of an archive that is named alone.
static bool readValue(StringRef text, StringRef name, Tensor &tensor, std::string &error) {
  format::Array array;
  auto [archive, entry] = text.split(".npz:");
  if (text.ends_with(".npy")) {
    if (!format::readNpy(text.str(), array, error))
      return false;
  } else if (text.ends_with(".npz") || !entry.empty()) {
    format::Arrays arrays;
    std::string file = text.ends_with(".npz") ? text.str() : (archive + ".npz").str();
    std::string wanted = entry.empty() ? name.str() : entry.str();
    if (!format::readNpz(file, arrays, error))
      return false;
    auto found = arrays.find(wanted);
    if (found == arrays.end()) {
      error = file + ": has no array '" + wanted + "'";
      return false;
    }
    array = std::move(found->second);
  } else {
    llvm::Expected<llvm::json::Value> literal = llvm::json::parse(text);
    if (!literal || !readLiteral(*literal, 0, tensor)) {
      error = "'" + text.str() + "' is neither a .npy or .npz file nor a list of numbers";
      llvm::consumeError(literal.takeError());
      return false;
    }
    return true;
  }
  tensor.shape = std::move(array.shape);
  tensor.data = std::move(array.values);
  return true;
}

static LogicalResult seededInput(func::FuncOp function, unsigned index, uint64_t seed, int64_t vocabulary,
                                 Tensor &tensor) {
  auto type = dyn_cast<RankedTensorType>(function.getArgument(index).getType());
  if (!type || !type.hasStaticShape())
    return function.emitOpError("input '")
           << inputName(function, index) << "' is " << function.getArgument(index).getType() << ": it needs a value";
  bool integral = type.getElementType().isInteger(), identifiers = integral && type.getRank() == 2;
  if (identifiers && vocabulary == 0)
    return function.emitOpError("input '") << inputName(function, index)
                                           << "' needs a value: there is no embedding to "
                                              "say the vocabulary";
  tensor = Tensor(Shape(type.getShape().begin(), type.getShape().end()));
  std::string name = "input " + std::to_string(index);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double number = seededNumber(seed, name, i);
    tensor.data[i] = !integral ? number : identifiers ? std::floor((number + 1) / 2 * vocabulary) : 0;
  }
  return success();
}

LogicalResult qfa::readInputs(func::FuncOp function, ArrayRef<std::string> settings, uint64_t seed, int64_t vocabulary,
                              std::vector<Tensor> &inputs) {
  unsigned count = function.getNumArguments();
  std::vector<bool> given(count);
  inputs.assign(count, Tensor());
  for (StringRef setting : settings) {
    auto [name, text] = setting.split('=');
    unsigned index = 0;
    if (text.empty()) { // a value alone
      text = name;
      while (index < count && given[index])
        ++index;
    } else {
      while (index < count && inputName(function, index) != name && std::to_string(index) != name)
        ++index;
    }
    if (index == count)
      return function.emitOpError("has no input for '") << setting << "'";
    std::string error;
    if (!readValue(text, inputName(function, index), inputs[index], error))
      return function.emitOpError("input '") << inputName(function, index) << "': " << error;
    given[index] = true;
  }
  for (unsigned index = 0; index < count; ++index)
    if (!given[index] && failed(seededInput(function, index, seed, vocabulary, inputs[index])))
      return failure();
  return success();
}

static void printFrom(raw_ostream &out, const Tensor &tensor, size_t depth, int64_t &at) {
  if (depth == tensor.shape.size()) {
    out << llvm::format("%.6g", tensor.data[at++] + 0.0); // no negative zero
    return;
  }
  out << "[";
  for (int64_t i = 0; i < tensor.shape[depth]; ++i) {
    out << (i ? ", " : "");
    printFrom(out, tensor, depth + 1, at);
  }
  out << "]";
}

void qfa::printTensor(raw_ostream &out, const Tensor &tensor) {
  int64_t at = 0;
  printFrom(out, tensor, 0, at);
}
