// Protobuf wire format over mapped bytes. Every length is compared with what remains before it is used, so that no
// claim of a malformed file reaches an allocation.

#include "qfa/Import/WireReader.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace qfa::onnx;

Error WireReader::error(const Twine &text) const {
  return createStringError(inconvertibleErrorCode(),
                           path + ": offset " + Twine(offsetOf(rest)) + ": " + message + ": " + text);
}

Expected<uint64_t> WireReader::varint(StringRef &from) const {
  uint64_t value = 0;
  for (unsigned i = 0; i < from.size() && i < 10; ++i) {
    uint8_t byte = from[i];
    if (i == 9 && byte > 1)
      return error("varint exceeds 64 bits");
    value |= uint64_t(byte & 0x7f) << (7 * i);
    if (!(byte & 0x80)) {
      from = from.drop_front(i + 1);
      return value;
    }
  }
  return error("varint is cut off");
}

Expected<std::optional<WireField>> WireReader::next() {
  if (rest.empty())
    return std::nullopt;
  StringRef at = rest;
  Expected<uint64_t> tag = varint(at);
  if (!tag)
    return tag.takeError();
  WireField field;
  if (*tag >> 3 == 0 || *tag >> 32)
    return error("field number " + Twine(*tag >> 3) + " is not valid");
  field.number = *tag >> 3;
  switch (*tag & 7) {
  case WireField::Varint: {
    Expected<uint64_t> value = varint(at);
    if (!value)
      return value.takeError();
    field.value = *value;
    break;
  }
  case WireField::Fixed64:
  case WireField::Fixed32: {
    size_t width = (*tag & 7) == WireField::Fixed64 ? 8 : 4;
    if (at.size() < width)
      return error("field " + Twine(field.number) + " needs " + Twine(width) + " bytes, " + Twine(at.size()) +
                   " remain");
    field.value = width == 8 ? support::endian::read64le(at.data()) : support::endian::read32le(at.data());
    at = at.drop_front(width);
    break;
  }
  case WireField::Bytes: {
    Expected<uint64_t> length = varint(at);
    if (!length)
      return length.takeError();
    if (*length > at.size())
      return error("field " + Twine(field.number) + " claims " + Twine(*length) + " bytes, " + Twine(at.size()) +
                   " remain");
    field.bytes = at.take_front(*length);
    at = at.drop_front(*length);
    break;
  }
  default:
    return error("field " + Twine(field.number) + " has wire type " + Twine(*tag & 7) + ", expected 0, 1, 2 or 5");
  }
  field.type = static_cast<WireField::Type>(*tag & 7);
  rest = at;
  return field;
}

Expected<WireReader> WireReader::nested(const WireField &field, StringRef nestedMessage) const {
  Expected<StringRef> bytes = string(field);
  if (!bytes)
    return bytes.takeError();
  return WireReader(path, file, *bytes, nestedMessage);
}

Expected<StringRef> WireReader::string(const WireField &field) const {
  if (field.type != WireField::Bytes)
    return error("field " + Twine(field.number) + " has wire type " + Twine(unsigned(field.type)) + ", expected 2");
  return field.bytes;
}

Expected<int64_t> WireReader::integer(const WireField &field) const {
  if (field.type != WireField::Varint)
    return error("field " + Twine(field.number) + " has wire type " + Twine(unsigned(field.type)) + ", expected 0");
  return static_cast<int64_t>(field.value);
}

Error WireReader::integers(const WireField &field, SmallVectorImpl<int64_t> &out) const {
  if (field.type == WireField::Varint) {
    out.push_back(field.value);
    return Error::success();
  }
  Expected<StringRef> packed = string(field);
  if (!packed)
    return packed.takeError();
  for (StringRef at = *packed; !at.empty();) {
    Expected<uint64_t> value = varint(at);
    if (!value)
      return value.takeError();
    out.push_back(*value);
  }
  return Error::success();
}

Error WireReader::floats(const WireField &field, SmallVectorImpl<float> &out) const {
  if (field.type == WireField::Fixed32) {
    out.push_back(bit_cast<float>(static_cast<uint32_t>(field.value)));
    return Error::success();
  }
  Expected<StringRef> packed = string(field);
  if (!packed)
    return packed.takeError();
  if (packed->size() % 4)
    return error("packed floats of " + Twine(packed->size()) + " bytes, expected a multiple of 4");
  for (size_t i = 0; i < packed->size(); i += 4)
    out.push_back(bit_cast<float>(support::endian::read32le(packed->data() + i)));
  return Error::success();
}
