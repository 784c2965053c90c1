// Streams weights from ONNX files into a safetensors file, a block of rows at a time.

#include "qfa/Import/WriteWeights.h"
#include "ParameterBytes.h"
#include "qfa/Format/Safetensors.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using namespace qfa;

// Rows of a transposed matrix that are gathered at once: as many as share a cache line of the file's rows.
static constexpr int64_t rowsPerBlock = 64;

static format::DType typeInFile(ParameterOp parameter) {
  Type storage = parameter.getStorage();
  return storage.isF16() ? format::DType::F16 : storage.isBF16() ? format::DType::BF16 : format::DType::F32;
}

static llvm::Error failure(const Twine &text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), text); }

/// NaN and infinity have all bits of the exponent set.
static bool isFinite(const char *element, unsigned width, bool isHalf) {
  if (width == 4)
    return (llvm::support::endian::read32le(element) & 0x7f800000) != 0x7f800000;
  uint16_t exponent = isHalf ? 0x7c00 : 0x7f80;
  return (llvm::support::endian::read16le(element) & exponent) != exponent;
}

static llvm::Error checkFinite(ParameterOp parameter, StringRef bytes, unsigned width) {
  bool isHalf = parameter.getStorage().isF16();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(parameter.getType()).getShape();
  for (size_t at = 0; at < bytes.size(); at += width) {
    if (isFinite(bytes.data() + at, width, isHalf))
      continue;
    int64_t index = at / width;
    if (parameter.getTransposed()) // report the logical index
      index = index % shape[0] * shape[1] + index / shape[0];
    return failure("weight '" + parameter.getSymName() + "' is not finite at element " + Twine(index) +
                   ", expected only finite numbers");
  }
  return llvm::Error::success();
}

/// Copies `bytes` to the writer in logical order.
static bool copy(ParameterOp parameter, StringRef bytes, unsigned width, format::SafetensorsWriter &writer,
                 std::string &error) {
  std::string name = parameter.getSymName().str();
  if (!parameter.getTransposed())
    return writer.write(name, bytes.data(), bytes.size(), error);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(parameter.getType()).getShape();
  int64_t rows = shape[0], columns = shape[1]; // the file holds [columns, rows]
  std::vector<char> block(std::min(rows, rowsPerBlock) * columns * width);
  for (int64_t first = 0; first < rows; first += rowsPerBlock) {
    int64_t count = std::min(rowsPerBlock, rows - first);
    for (int64_t column = 0; column < columns; ++column)
      for (int64_t row = 0; row < count; ++row)
        std::memcpy(block.data() + (row * columns + column) * width,
                    bytes.data() + (column * rows + first + row) * width, width);
    if (!writer.writeAt(name, first * columns * width, block.data(), count * columns * width, error))
      return false;
  }
  return true;
}

llvm::Error qfa::writeWeights(ModuleOp module, StringRef path, const WriteWeightsOptions &options) {
  format::SafetensorsWriter writer;
  writer.setMetadata("format", "pt");
  for (auto parameter : module.getOps<ParameterOp>()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(parameter.getType()).getShape();
    writer.declare(parameter.getSymName().str(), typeInFile(parameter), {shape.begin(), shape.end()});
  }
  std::string error;
  if (!writer.open(path.str(), error))
    return failure(error);
  for (auto parameter : module.getOps<ParameterOp>()) {
    auto bytes = mapParameter(parameter);
    if (!bytes)
      return bytes.takeError();
    unsigned width = parameter.getStorage().getIntOrFloatBitWidth() / 8;
    if (options.refuseNonFinite)
      if (llvm::Error notFinite = checkFinite(parameter, (*bytes)->getBuffer(), width))
        return notFinite;
    if (!copy(parameter, (*bytes)->getBuffer(), width, writer, error))
      return failure(error);
  }
  return writer.finish(error) ? llvm::Error::success() : failure(error);
}
