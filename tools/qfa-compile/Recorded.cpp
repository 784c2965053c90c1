// Reads recorded runs; inputs that a training program does not have must hold what it takes for granted.
#include "Recorded.h"

#include "qfa/Import/OnnxModel.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qfa;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error failure(const Twine &text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), text); }

static std::string filePath(StringRef folder, const Twine &name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

static format::Array toArray(const onnx::Tensor &tensor) {
  format::Array array;
  array.shape.assign(tensor.dims.begin(), tensor.dims.end());
  array.integral = !onnx::isFloat(tensor.type);
  if (array.integral)
    array.values.assign(tensor.ints.begin(), tensor.ints.end());
  else
    array.values.assign(tensor.floats.begin(), tensor.floats.end());
  return array;
}

// Why an input besides the identifiers says something that the program cannot be told; empty when it does not.
static std::string otherwise(StringRef name, const format::Array &input) {
  if (name.contains("mask"))
    return llvm::all_of(input.values, [](double value) { return value == 1; }) ? "" : "hides positions";
  if (name.contains("position")) {
    int64_t length = input.shape.empty() ? 1 : std::max<int64_t>(1, input.shape.back());
    for (size_t i = 0; i < input.values.size(); ++i)
      if (input.values[i] != static_cast<double>(static_cast<int64_t>(i) % length))
        return "does not count from 0";
    return "";
  }
  return input.values.empty() ? "" : "is not empty";
}

// Tensors may leave their names out; then the model's own list counts.
static std::string nameOf(const onnx::Tensor &tensor, llvm::ArrayRef<onnx::ValueInfo> values, size_t index) {
  if (!tensor.name.empty() || index >= values.size())
    return tensor.name.str();
  return values[index].name.str();
}

static llvm::Error readInputs(StringRef folder, llvm::ArrayRef<onnx::ValueInfo> values, format::Arrays &arrays) {
  for (size_t index = 0;; ++index) {
    std::string path = filePath(folder, "input_" + Twine(index) + ".pb");
    if (!llvm::sys::fs::exists(path))
      return llvm::Error::success();
    auto file = onnx::readTensor(path);
    if (!file)
      return file.takeError();
    std::string name = nameOf(file->tensor, values, index);
    format::Array input = toArray(file->tensor);
    bool other = StringRef(name).contains("mask") || StringRef(name).contains("position") ||
                 StringRef(name).contains("past") || input.shape.size() != 2 || !input.integral;
    if (std::string why = other ? otherwise(name, input) : ""; !why.empty())
      return failure(path + ": input '" + name + "' " + why +
                     ", only whole sequences from the first position can be compared");
    if (!other)
      arrays["input_ids"] = std::move(input);
  }
}

// The logits are the output of that name, or else the first.
static llvm::Error readOutputs(StringRef folder, llvm::ArrayRef<onnx::ValueInfo> values, format::Arrays &arrays) {
  for (size_t index = 0;; ++index) {
    std::string path = filePath(folder, "output_" + Twine(index) + ".pb");
    if (!llvm::sys::fs::exists(path))
      return llvm::Error::success();
    auto file = onnx::readTensor(path);
    if (!file)
      return file.takeError();
    if (index == 0 || nameOf(file->tensor, values, index) == "logits")
      arrays["logits"] = toArray(file->tensor);
  }
}

static Expected<Recorded> readFolder(StringRef folder, const onnx::Model &model) {
  Recorded recorded = {folder.str(), {}};
  if (llvm::Error error = readInputs(folder, model.inputs, recorded.arrays))
    return std::move(error);
  if (llvm::Error error = readOutputs(folder, model.outputs, recorded.arrays))
    return std::move(error);
  return recorded;
}

static Expected<std::vector<Recorded>> readFolders(StringRef path, StringRef model) {
  onnx::Model names; // of a module that is no ONNX file there are none
  if (model.ends_with(".onnx")) {
    auto read = onnx::readModel(model);
    if (!read)
      return read.takeError();
    names = std::move(*read);
  }
  std::vector<std::string> folders;
  if (llvm::sys::fs::exists(filePath(path, "input_0.pb")))
    folders.push_back(path.str());
  for (int index = 0; llvm::sys::fs::is_directory(filePath(path, "test_data_set_" + Twine(index))); ++index)
    folders.push_back(filePath(path, "test_data_set_" + Twine(index)));
  if (folders.empty())
    return failure("'" + path + "' holds neither input_0.pb nor test_data_set_0");
  std::vector<Recorded> sets;
  for (const std::string &folder : folders) {
    auto recorded = readFolder(folder, names);
    if (!recorded)
      return recorded.takeError();
    sets.push_back(std::move(*recorded));
  }
  return sets;
}

Expected<std::vector<Recorded>> qfa::readRecorded(StringRef path, StringRef model) {
  std::vector<Recorded> sets(1);
  if (llvm::sys::fs::is_directory(path)) {
    auto read = readFolders(path, model);
    if (!read)
      return read.takeError();
    sets = std::move(*read);
  } else {
    std::string error;
    sets[0].name = path.str();
    if (!format::readNpz(path.str(), sets[0].arrays, error))
      return failure(error);
  }
  for (const Recorded &recorded : sets) {
    auto ids = recorded.arrays.find("input_ids");
    if (ids == recorded.arrays.end() || ids->second.shape.size() != 2 || ids->second.values.empty() ||
        !recorded.arrays.count("logits"))
      return failure("'" + recorded.name +
                     "' needs input_ids [batch, sequence] and logits [batch, sequence, vocabulary]");
  }
  return sets;
}
