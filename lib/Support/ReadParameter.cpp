// Reads a parameter's values: maps its file, converts to f32, brings a transposed matrix into logical order.
#include "qfa/Support/ReadParameter.h"

#include "qfa/Format/MappedFile.h"
#include "qfa/Format/Numbers.h"

using namespace mlir;
using namespace qfa;

static float loadElement(const uint8_t *bytes, int64_t index, Type storage) {
  if (storage.isF32()) {
    float value;
    std::memcpy(&value, bytes + 4 * index, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes + 2 * index, 2);
  return storage.isF16() ? format::halfToFloat(bits) : format::bfloatToFloat(bits);
}

LogicalResult qfa::readParameter(ParameterOp parameter, std::vector<float> &values) {
  format::MappedFile file;
  std::string error;
  if (!file.open(parameter.getFile().str(), error))
    return parameter.emitError("weight cannot be read: ") << error;
  uint64_t offset = parameter.getOffset(), bytes = parameter.getBytes();
  if (offset > file.size() || bytes > file.size() - offset)
    return parameter.emitError("weight lies at bytes ")
           << offset << " to " << offset + bytes << " of '" << parameter.getFile() << "', which has " << file.size();
  auto type = cast<RankedTensorType>(parameter.getType());
  const uint8_t *data = file.data() + offset;
  Type storage = parameter.getStorage();
  values.resize(type.getNumElements());
  if (!parameter.getTransposed()) {
    for (int64_t i = 0, n = values.size(); i < n; ++i)
      values[i] = loadElement(data, i, storage);
    return success();
  }
  int64_t out = type.getDimSize(0), in = type.getDimSize(1);
  for (int64_t k = 0; k < in; ++k) // the file holds [in, out]
    for (int64_t n = 0; n < out; ++n)
      values[n * in + k] = loadElement(data, k * out + n, storage);
  return success();
}
