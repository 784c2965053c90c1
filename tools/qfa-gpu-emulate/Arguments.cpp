// Parsing of arguments, and .npy files in and out.
#include "Arguments.h"

#include "qfa/Format/Npz.h"
#include "qfa/GpuEmulator/Math.h"
#include "qfa/GpuEmulator/Mma.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace llvm;
using namespace qfa;
using namespace qfa::emu;

static constexpr int64_t maxElements = int64_t(1) << 32;

const Arguments::Kind *Arguments::findKind(StringRef name) {
  static constexpr Kind kinds[] = {{"f32", "<f4", 4}, {"f16", "<f2", 2}, {"bf16", "<f4", 2},
                                   {"f64", "<f8", 8}, {"i8", "|i1", 1},  {"u8", "|u1", 1},
                                   {"i32", "<i4", 4}, {"u32", "<u4", 4}, {"i64", "<i8", 8}};
  for (const Kind &kind : kinds)
    if (kind.name == name)
      return &kind;
  return nullptr;
}

template <typename T>
void Arguments::addValue(T value) {
  std::memcpy(values.emplace_back().data(), &value, sizeof value);
}

template <typename T>
static void store(std::byte *at, T value) {
  std::memcpy(at, &value, sizeof value);
}

void Arguments::put(const Kind &kind, std::byte *at, double value) {
  if (kind.name == "f32")
    store(at, float(value));
  else if (kind.name == "f64")
    store(at, value);
  else if (kind.name == "f16")
    store(at, toF16(value));
  else if (kind.name == "bf16")
    store(at, toBf16(value));
  else { // little endian: the low bytes of the 64-bit number
    int64_t wide = int64_t(value);
    std::memcpy(at, &wide, kind.bytes);
  }
}

Error Arguments::fill(const Buffer &buffer, StringRef content) {
  if (content.empty())
    return Error::success();
  memory.markInitialised(buffer.data, buffer.count * buffer.kind.bytes);
  bool integral = buffer.kind.name.front() == 'i' || buffer.kind.name.front() == 'u';
  auto setAll = [&](auto &&value) {
    for (int64_t i = 0; i < buffer.count; ++i)
      put(buffer.kind, buffer.data + i * buffer.kind.bytes, value(i));
    return Error::success();
  };
  if (content == "zero")
    return setAll([](int64_t) { return 0.0; });
  if (content == "iota")
    return setAll([](int64_t i) { return double(i); });
  if (content == "random") {
    std::normal_distribution<double> normal;
    return setAll([&](int64_t) { return integral ? double(random() % 8) : normal(random); });
  }
  format::Array array;
  std::string error;
  if (!format::readNpy(content.str(), array, error))
    return createStringError(content + ": " + error);
  if (int64_t(array.values.size()) != buffer.count)
    return createStringError(content + ": " + Twine(array.values.size()) + " elements, the buffer has " +
                             Twine(buffer.count));
  return setAll([&](int64_t i) { return array.values[i]; });
}

Error Arguments::addBuffer(StringRef text, bool descriptor) {
  auto [type, rest] = text.split(':');
  auto [shapeText, content] = rest.split(':');
  const Kind *kind = findKind(type);
  if (!kind)
    return createStringError("element type '" + type + "', wanted f32, f16, bf16, f64, i8, u8, i32, u32 or i64");
  Buffer buffer{*kind, {}, nullptr, 1};
  for (StringRef size : split(shapeText, 'x')) {
    int64_t value;
    if (size.getAsInteger(10, value) || value < 0 || (value && buffer.count > maxElements / value))
      return createStringError("shape '" + shapeText + "', wanted sizes with x between them, such as 4x8");
    buffer.shape.push_back(value);
    buffer.count *= value;
  }
  buffer.data = memory.allocate(std::to_string(buffers.size()), buffer.count * kind->bytes);
  if (!buffer.data)
    return createStringError("no memory for " + Twine(buffer.count * kind->bytes) + " bytes");
  addValue(buffer.data);
  if (descriptor) {
    addValue(buffer.data);
    addValue(int64_t(0));
    for (int64_t size : buffer.shape)
      addValue(size);
    int64_t stride = buffer.count;
    for (int64_t size : buffer.shape)
      addValue(stride = size ? stride / size : 0);
  }
  buffers.push_back(buffer);
  return fill(buffer, content);
}

Error Arguments::add(StringRef text) {
  auto [type, value] = text.split(':');
  if (type == "buffer" || type == "memref")
    return addBuffer(value, type == "memref");
  double number;
  int64_t integer;
  if (type == "f32" && !value.getAsDouble(number)) {
    addValue(float(number));
    return Error::success();
  }
  if ((type == "i32" || type == "i64") && !value.getAsInteger(0, integer)) {
    type == "i32" ? addValue(int32_t(integer)) : addValue(integer);
    return Error::success();
  }
  return createStringError("argument '" + text +
                           "', wanted buffer:TYPE:SHAPE, memref:TYPE:SHAPE, i32:N, i64:N or f32:X");
}

Error Arguments::write(unsigned index, StringRef path) const {
  if (index >= buffers.size())
    return createStringError("no buffer " + Twine(index) + ", there are " + Twine(buffers.size()));
  const Buffer &buffer = buffers[index];
  std::string shape;
  for (int64_t size : buffer.shape)
    shape += std::to_string(size) + ",";
  std::string header =
      ("{'descr': '" + buffer.kind.numpy + "', 'fortran_order': False, 'shape': (" + shape + "), }").str();
  constexpr size_t prefixBytes = 10, alignment = 64; // magic, version, length; NumPy aligns what follows
  header.append(alignment - (prefixBytes + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (error)
    return createStringError(path + ": " + error.message());
  file << StringRef("\x93NUMPY\x01\x00", 8) << char(header.size()) << char(header.size() >> 8) << header;
  if (buffer.kind.name != "bf16") {
    file << StringRef(reinterpret_cast<const char *>(buffer.data), buffer.count * buffer.kind.bytes);
    return Error::success();
  }
  for (int64_t i = 0; i < buffer.count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, buffer.data + 2 * i, sizeof bits);
    float value = fromBf16(bits);
    file.write(reinterpret_cast<const char *>(&value), sizeof value);
  }
  return Error::success();
}

std::vector<const void *> Arguments::pointers() const {
  std::vector<const void *> pointers;
  for (const auto &value : values)
    pointers.push_back(value.data());
  return pointers;
}
