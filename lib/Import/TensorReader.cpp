// Reads TensorProto without touching weights: a tensor becomes a file, an offset and a checked number of bytes.

#include "TensorReader.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace qfa::onnx;

unsigned qfa::onnx::bytesOf(DataType type) {
  switch (type) {
  case DataType::Uint8:
  case DataType::Int8:
  case DataType::Bool:
    return 1;
  case DataType::Uint16:
  case DataType::Int16:
  case DataType::Float16:
  case DataType::Bfloat16:
    return 2;
  case DataType::Float:
  case DataType::Int32:
  case DataType::Uint32:
    return 4;
  case DataType::Int64:
  case DataType::Double:
  case DataType::Uint64:
    return 8;
  case DataType::Undefined:
    break;
  }
  return 0;
}

bool qfa::onnx::isFloat(DataType type) {
  return type == DataType::Float || type == DataType::Double || type == DataType::Float16 || type == DataType::Bfloat16;
}

int64_t Tensor::size() const {
  int64_t product = 1;
  for (int64_t dim : dims)
    product *= dim;
  return product;
}

/// The file that `location` names, which must lie in the folder of the model however it is reached.
Expected<const TensorReader::ExternalFile *> TensorReader::open(StringRef location) {
  auto [entry, isNew] = files.try_emplace(location);
  if (!isNew)
    return &entry->second;
  auto refuse = [&](const Twine &why) {
    files.erase(entry);
    return createStringError(inconvertibleErrorCode(), modelPath + ": external data '" + location + "' " + why);
  };
  if (location.empty() || sys::path::is_absolute(location) || location.contains('\0'))
    return refuse("is not a relative path");
  for (auto part = sys::path::begin(location), end = sys::path::end(location); part != end; ++part)
    if (*part == "..")
      return refuse("leaves the model's folder");
  SmallString<256> folder(sys::path::parent_path(modelPath)), realFolder, realFile;
  if (folder.empty())
    folder = ".";
  SmallString<256> file(folder);
  sys::path::append(file, location);
  if (std::error_code code = sys::fs::real_path(folder, realFolder))
    return refuse("cannot be opened: " + code.message());
  if (std::error_code code = sys::fs::real_path(file, realFile))
    return refuse("cannot be opened: " + code.message());
  StringRef inside = realFile;
  if (!inside.consume_front(realFolder) || !(inside.empty() || inside.front() == '/' || realFolder == "/"))
    return refuse("is a link out of the model's folder");
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(realFile, status))
    return refuse("cannot be opened: " + code.message());
  if (!sys::fs::is_regular_file(status))
    return refuse("is not a regular file");
  entry->second.path = file.str().str();
  entry->second.size = status.getSize();
  return &entry->second;
}

/// Places a tensor of `want` bytes in its external file.
Error TensorReader::place(const WireReader &message, const ExternalKeys &keys, uint64_t want, Tensor &tensor) {
  uint64_t length = want;
  if (!keys.offset.empty() && keys.offset.getAsInteger(10, tensor.offset))
    return message.error("tensor '" + tensor.name + "' has offset '" + keys.offset + "', expected a number");
  if (!keys.length.empty() && keys.length.getAsInteger(10, length))
    return message.error("tensor '" + tensor.name + "' has length '" + keys.length + "', expected a number");
  if (length != want)
    return message.error("tensor '" + tensor.name + "' has " + Twine(length) +
                         " bytes of external data, its shape needs " + Twine(want));
  Expected<const ExternalFile *> file = open(keys.location);
  if (!file)
    return file.takeError();
  if (tensor.offset > (*file)->size || want > (*file)->size - tensor.offset)
    return message.error("tensor '" + tensor.name + "' ends at byte " + Twine(tensor.offset) + " + " + Twine(want) +
                         " of '" + keys.location + "', which has " + Twine((*file)->size));
  tensor.file = (*file)->path;
  tensor.bytes = want;
  return Error::success();
}

static Error readExternalEntry(WireReader entry, StringRef &key, StringRef &value) {
  for (;;) {
    Expected<std::optional<WireField>> field = entry.next();
    if (!field)
      return field.takeError();
    if (!*field)
      return Error::success();
    if ((*field)->number == 1)
      key = (*field)->bytes;
    else if ((*field)->number == 2)
      value = (*field)->bytes;
  }
}

Expected<Tensor> TensorReader::read(WireReader message) {
  Tensor tensor;
  ExternalKeys external;
  StringRef raw;
  bool hasRaw = false;
  SmallVector<float, 0> floats;
  for (;;) {
    Expected<std::optional<WireField>> next = message.next();
    if (!next)
      return next.takeError();
    if (!*next)
      break;
    const WireField &field = **next;
    switch (field.number) {
    case 1:
      if (Error error = message.integers(field, tensor.dims))
        return std::move(error);
      break;
    case 2:
      tensor.type = static_cast<DataType>(field.value);
      break;
    case 4:
      if (field.type == WireField::Bytes && tensor.type == DataType::Float && !hasRaw) {
        raw = field.bytes; // packed floats lie in the file as raw data does
        hasRaw = true;
        break;
      }
      if (Error error = message.floats(field, floats))
        return std::move(error);
      break;
    case 5:
    case 7:
    case 11:
      if (Error error = message.integers(field, tensor.ints))
        return std::move(error);
      break;
    case 8:
      tensor.name = field.bytes;
      break;
    case 9:
      raw = field.bytes;
      hasRaw = true;
      break;
    case 13: {
      Expected<WireReader> entry = message.nested(field, "StringStringEntryProto");
      if (!entry)
        return entry.takeError();
      StringRef key, value;
      if (Error error = readExternalEntry(*entry, key, value))
        return std::move(error);
      if (key == "location")
        external.location = value;
      else if (key == "offset")
        external.offset = value;
      else if (key == "length")
        external.length = value;
      break;
    }
    case 14:
      external.used = field.value == 1;
      break;
    }
  }

  unsigned width = bytesOf(tensor.type);
  if (!width)
    return message.error("tensor '" + tensor.name + "' has element type " + Twine(static_cast<int32_t>(tensor.type)) +
                         ", which is not supported");
  int64_t product = width;
  for (int64_t dim : tensor.dims)
    if (dim < 0 || MulOverflow(product, dim, product))
      return message.error("tensor '" + tensor.name + "' has dimension " + Twine(dim) +
                           ", its size is not representable");
  uint64_t want = product;
  if (external.used) {
    if (Error error = place(message, external, want, tensor))
      return std::move(error);
    return tensor;
  }
  if (hasRaw) {
    if (raw.size() != want)
      return message.error("tensor '" + tensor.name + "' has " + Twine(raw.size()) +
                           " bytes of data, its shape needs " + Twine(want));
    tensor.file = modelPath.str();
    tensor.offset = message.offsetOf(raw);
    tensor.bytes = want;
    return tensor;
  }
  // Typed fields hold the bits of 16-bit floats as integers.
  bool bits = tensor.type == DataType::Float16 || tensor.type == DataType::Bfloat16;
  for (float value : floats)
    tensor.floats.push_back(value);
  if (bits) {
    const fltSemantics &semantics = tensor.type == DataType::Float16 ? APFloat::IEEEhalf() : APFloat::BFloat();
    for (int64_t word : tensor.ints) {
      APFloat value(semantics, APInt(16, word & 0xffff));
      tensor.floats.push_back(value.convertToFloat());
    }
    tensor.ints.clear();
  }
  uint64_t found = isFloat(tensor.type) ? tensor.floats.size() : tensor.ints.size();
  if (found != want / width)
    return message.error("tensor '" + tensor.name + "' has " + Twine(found) + " values, its shape needs " +
                         Twine(want / width));
  return tensor;
}

Error TensorReader::checkOverlaps(ArrayRef<Tensor> tensors) const {
  SmallVector<const Tensor *> sorted;
  for (const Tensor &tensor : tensors)
    if (!tensor.file.empty() && tensor.bytes)
      sorted.push_back(&tensor);
  llvm::sort(sorted, [](const Tensor *a, const Tensor *b) {
    return std::tie(a->file, a->offset, a->bytes) < std::tie(b->file, b->offset, b->bytes);
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const Tensor &a = *sorted[i - 1], &b = *sorted[i];
    if (a.file == b.file && b.offset < a.offset + a.bytes && (a.offset != b.offset || a.bytes != b.bytes))
      return createStringError(inconvertibleErrorCode(), modelPath + ": tensors '" + a.name + "' and '" + b.name +
                                                             "' overlap in '" + sys::path::filename(a.file) + "'");
  }
  return Error::success();
}

/// One element of raw data as a float.
static double floatAt(const char *at, DataType type) {
  switch (type) {
  case DataType::Float:
    return bit_cast<float>(support::endian::read32le(at));
  case DataType::Double:
    return bit_cast<double>(support::endian::read64le(at));
  default: {
    const fltSemantics &semantics = type == DataType::Float16 ? APFloat::IEEEhalf() : APFloat::BFloat();
    return APFloat(semantics, APInt(16, support::endian::read16le(at))).convertToFloat();
  }
  }
}

static int64_t integerAt(const char *at, DataType type) {
  switch (type) {
  case DataType::Bool:
  case DataType::Uint8:
    return static_cast<uint8_t>(*at);
  case DataType::Int8:
    return static_cast<int8_t>(*at);
  case DataType::Uint16:
    return support::endian::read16le(at);
  case DataType::Int16:
    return static_cast<int16_t>(support::endian::read16le(at));
  case DataType::Int32:
    return static_cast<int32_t>(support::endian::read32le(at));
  case DataType::Uint32:
    return support::endian::read32le(at);
  default:
    return support::endian::read64le(at);
  }
}

Expected<std::unique_ptr<MemoryBuffer>> qfa::onnx::mapBytes(const Twine &path, uint64_t offset, uint64_t bytes) {
  uint64_t size = 0;
  if (std::error_code code = sys::fs::file_size(path, size))
    return createStringError(code, path + ": " + code.message());
  if (offset > size || bytes > size - offset) // a mapping beyond the end would fault, a read would give zeros
    return createStringError(inconvertibleErrorCode(), path + " ends at byte " + Twine(size) + ", expected " +
                                                           Twine(offset) + " + " + Twine(bytes));
  auto buffer = MemoryBuffer::getFileSlice(path, bytes, offset);
  if (!buffer)
    return createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  return std::move(*buffer);
}

Error qfa::onnx::loadValues(Tensor &tensor) {
  if (tensor.file.empty())
    return Error::success();
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapBytes(tensor.file, tensor.offset, tensor.bytes);
  if (!buffer)
    return buffer.takeError();
  StringRef data = (*buffer)->getBuffer();
  unsigned width = bytesOf(tensor.type);
  for (size_t i = 0; i < data.size(); i += width)
    if (isFloat(tensor.type))
      tensor.floats.push_back(floatAt(data.data() + i, tensor.type));
    else
      tensor.ints.push_back(integerAt(data.data() + i, tensor.type));
  return Error::success();
}

Expected<TensorFile> qfa::onnx::readTensor(StringRef path) {
  auto bytes = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!bytes)
    return createStringError(bytes.getError(), path + ": " + bytes.getError().message());
  StringRef all = (*bytes)->getBuffer();
  Expected<Tensor> tensor = TensorReader(path).read(WireReader(path, all, all, "TensorProto"));
  if (!tensor)
    return tensor.takeError();
  if (Error error = loadValues(*tensor))
    return std::move(error);
  return TensorFile{std::move(*bytes), std::move(*tensor)};
}
