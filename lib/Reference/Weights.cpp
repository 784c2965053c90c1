// Parameters, copies and adapters from files, or made from a seed.
#include "qfa/Reference/Weights.h"

#include "qfa/Format/Copies.h"
#include "qfa/Format/Numbers.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;

//===----------------------------------------------------------------------===//
// Copies by round-to-nearest
//===----------------------------------------------------------------------===//

LogicalResult Weights::copy(ElasticOp op, int64_t bits, const Tensor &parameter, Tensor &value) {
  auto type = cast<ElasticType>(op.getType());
  format::CopyShape shape{type.getOut(), type.getIn(), type.getGroup(), static_cast<int>(bits)};
  std::vector<float> weight(parameter.data.begin(), parameter.data.end());
  std::vector<uint32_t> words(format::codesWords(shape.out, shape.in, shape.bits));
  std::vector<float> scales(format::scaleCount(shape.out, shape.in, shape.group)), zeros(scales);
  format::roundToNearest(weight.data(), shape, 0, shape.blocks(), words.data(), scales.data(), zeros.data());
  if (type.getScales().isF16()) // scales are halves already
    for (float &zero : zeros)
      zero = format::halfToFloat(format::floatToHalf(zero));
  for (int64_t n = 0; n < shape.out; ++n)
    format::dequantizeRow(shape, words.data(), scales.data(), zeros.data(), n, weight.data() + n * shape.in);
  value.shape = {shape.out, shape.in};
  value.data.assign(weight.begin(), weight.end());
  return success();
}

//===----------------------------------------------------------------------===//
// Seeded numbers
//===----------------------------------------------------------------------===//

double reference::seededNumber(uint64_t seed, StringRef name, uint64_t index) {
  uint64_t bits = llvm::xxh3_64bits(name) + seed * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u;
  for (uint64_t factor : {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu}) // the finalizer of splitmix64
    bits = (bits ^ bits >> 30) * factor;
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 40) * 0x1p-23 - 1;
}

static Tensor seededTensor(uint64_t seed, StringRef name, Shape shape, double center, double spread) {
  Tensor value(std::move(shape));
  for (int64_t i = 0; i < value.size(); ++i)
    value.data[i] = static_cast<float>(center + spread * seededNumber(seed, name, i));
  return value;
}

// Gains around 1; matrices so that products keep their inputs' size.
LogicalResult SeededWeights::parameter(ParameterOp op, Tensor &value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  bool gain = shape.size() < 2;
  value = seededTensor(seed, op.getSymName(), Shape(shape.begin(), shape.end()), gain,
                       gain ? 0.25 : std::sqrt(3.0 / shape.back()));
  return success();
}

LogicalResult SeededWeights::adapter(ElasticOp op, int64_t bits, StringRef role, Tensor &value) {
  auto type = cast<ElasticType>(op.getType());
  Shape shape = role == "adapter_a" ? Shape{type.getRank(), type.getGroups()} : Shape{type.getOut(), type.getRank()};
  double spread = role == "adapter_a" ? std::sqrt(6.0 / (shape[0] + shape[1])) : 0.25;
  value = seededTensor(seed, (op.getSymName() + ".b" + Twine(bits) + "." + role).str(), shape, 0, spread);
  return success();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

bool FileWeights::open(const std::string &safetensors, std::string &error) {
  auto reader = std::make_unique<format::SafetensorsReader>();
  if (!reader->open(safetensors, error))
    return false;
  readers.push_back(std::move(reader));
  return true;
}

const format::TensorView *FileWeights::find(StringRef name) const {
  for (const auto &reader : readers)
    if (const format::TensorView *view = reader->find(std::string_view(name.data(), name.size())))
      return view;
  return nullptr;
}

LogicalResult FileWeights::readFloats(Operation *op, StringRef name, const Shape &shape, Tensor &value) {
  const format::TensorView *view = find(name);
  bool isFloat = view && (view->type == format::DType::F32 || view->type == format::DType::F16 ||
                          view->type == format::DType::BF16);
  if (!isFloat || view->shape != shape) {
    auto error = op->emitOpError("needs '") << name << "' of floats [" << ArrayRef<int64_t>(shape) << "], ";
    if (!view)
      return error << "which no file has";
    return error << "found " << StringRef(format::nameOf(view->type).data(), format::nameOf(view->type).size()) << " ["
                 << ArrayRef<int64_t>(view->shape) << "]";
  }
  std::vector<float> floats(view->count());
  format::SafetensorsReader::readFloats(*view, 0, floats.size(), floats.data());
  value.shape = shape;
  value.data.assign(floats.begin(), floats.end());
  return success();
}

// The bytes where the parameter says they lie.
LogicalResult FileWeights::readModelFile(ParameterOp op, Tensor &value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  SmallString<128> path(op.getFile());
  if (!llvm::sys::path::is_absolute(path)) {
    path = folder;
    llvm::sys::path::append(path, op.getFile());
  }
  format::MappedFile file;
  std::string error;
  if (!file.open(std::string(path), error))
    return op.emitOpError() << error;
  uint64_t begin = op.getOffset(), bytes = op.getBytes(); // bytes fit the type: parameter_c2
  if (begin > file.size() || bytes > file.size() - begin)
    return op.emitOpError("lies at bytes ") << begin << " to " << begin + bytes << " of a file of " << file.size();
  format::DType storage = op.getStorage().isF32()   ? format::DType::F32
                          : op.getStorage().isF16() ? format::DType::F16
                                                    : format::DType::BF16;
  format::TensorView view{/*name=*/"", storage, /*shape=*/{}, file.data() + begin, begin, bytes};
  std::vector<float> floats(view.count());
  format::SafetensorsReader::readFloats(view, 0, floats.size(), floats.data());
  value.shape.assign(shape.begin(), shape.end());
  value.data.assign(floats.begin(), floats.end());
  if (op.getTransposed()) // the file holds [in, out]
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t k = 0; k < shape[1]; ++k)
        value.data[n * shape[1] + k] = floats[k * shape[0] + n];
  return success();
}

LogicalResult FileWeights::parameter(ParameterOp op, Tensor &value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  bool inModel = !op.getFile().empty();
  if (!find(op.getSymName()) && (inModel || otherwise))
    return inModel ? readModelFile(op, value) : otherwise->parameter(op, value);
  return readFloats(op, op.getSymName(), Shape(shape.begin(), shape.end()), value);
}

static std::string rowName(ElasticOp op, int64_t bits) { return (op.getSymName() + ".b" + Twine(bits)).str(); }

bool FileWeights::hasCopy(ElasticOp op, int64_t bits) { return find(rowName(op, bits) + ".codes"); }

LogicalResult FileWeights::copy(ElasticOp op, int64_t bits, const Tensor &parameter, Tensor &value) {
  if (!hasCopy(op, bits))
    return Weights::copy(op, bits, parameter, value);
  auto type = cast<ElasticType>(op.getType());
  format::CopyShape shape{type.getOut(), type.getIn(), type.getGroup(), static_cast<int>(bits)};
  std::string name = rowName(op, bits);
  const format::TensorView *codes = find(name + ".codes");
  if (codes->type != format::DType::U32 || codes->shape != Shape{shape.blocks(), shape.in, bits})
    return op.emitOpError("needs '") << name << ".codes' of U32 [" << shape.blocks() << ", " << shape.in << ", " << bits
                                     << "], found another type or shape";
  Tensor scales, zeros;
  Shape scaleShape = {shape.blocks(), shape.groups(), format::rowsPerBlock};
  if (failed(readFloats(op, name + ".scales", scaleShape, scales)) ||
      failed(readFloats(op, name + ".zeros", scaleShape, zeros)))
    return failure();
  std::vector<float> scale(scales.data.begin(), scales.data.end()), zero(zeros.data.begin(), zeros.data.end());
  std::vector<float> row(shape.in);
  std::vector<uint32_t> words(codes->count());
  std::memcpy(words.data(), codes->data, codes->bytes); // it may stand unaligned
  value = Tensor({shape.out, shape.in});
  for (int64_t n = 0; n < shape.out; ++n) {
    format::dequantizeRow(shape, words.data(), scale.data(), zero.data(), n, row.data());
    std::copy(row.begin(), row.end(), value.row(n));
  }
  return success();
}

LogicalResult FileWeights::adapter(ElasticOp op, int64_t bits, StringRef role, Tensor &value) {
  std::string name = rowName(op, bits) + "." + role.str();
  if (!find(name) && otherwise)
    return otherwise->adapter(op, bits, role, value);
  auto type = cast<ElasticType>(op.getType());
  Shape shape = role == "adapter_a" ? Shape{type.getRank(), type.getGroups()} : Shape{type.getOut(), type.getRank()};
  return readFloats(op, name, shape, value);
}
