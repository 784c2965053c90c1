// .npy: a magic, a version, the size of a header, the header (a Python dictionary), the numbers.
#include "Npy.h"

#include "qfa/Format/MappedFile.h"
#include "qfa/Format/Numbers.h"

#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

using namespace qfa::format;

// The text after 'key': in the header, without leading blanks; empty when there is none.
static std::string_view entryOf(std::string_view header, std::string_view key) {
  size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos)
    return {};
  header.remove_prefix(at + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

// "(2, 3)", "(5,)" or "()".
static bool parseShape(std::string_view text, std::vector<int64_t> &shape, uint64_t &count) {
  size_t end = text.find(')');
  if (text.empty() || text[0] != '(' || end == std::string_view::npos)
    return false;
  count = 1;
  uint64_t size = 0;
  bool digits = false;
  for (char c : text.substr(1, end)) { // up to and with ')'
    if (c >= '0' && c <= '9') {
      digits = true;
      if (__builtin_mul_overflow(size, uint64_t(10), &size) || __builtin_add_overflow(size, uint64_t(c - '0'), &size))
        return false;
    } else if (c == ',' || c == ')') {
      if (digits) {
        if (size > INT64_MAX || __builtin_mul_overflow(count, size, &count))
          return false;
        shape.push_back(static_cast<int64_t>(size));
      }
      size = 0, digits = false;
    } else if (c != ' ') {
      return false;
    }
  }
  return true;
}

template <typename T>
static double numberAt(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}
static double halfAt(const uint8_t *bytes) { return halfToFloat(static_cast<uint16_t>(bytes[0] | bytes[1] << 8)); }

namespace {
struct NumberType {
  std::string_view name;
  unsigned size;
  bool integral;
  double (*at)(const uint8_t *);
};
} // namespace
static constexpr NumberType numberTypes[] = {
    {"<f4", 4, false, numberAt<float>},   {"<f8", 8, false, numberAt<double>},  {"<f2", 2, false, halfAt},
    {"<i4", 4, true, numberAt<int32_t>},  {"<i8", 8, true, numberAt<int64_t>},  {"<i2", 2, true, numberAt<int16_t>},
    {"<u4", 4, true, numberAt<uint32_t>}, {"<u8", 8, true, numberAt<uint64_t>}, {"<u2", 2, true, numberAt<uint16_t>},
    {"|i1", 1, true, numberAt<int8_t>},   {"|u1", 1, true, numberAt<uint8_t>},  {"|b1", 1, true, numberAt<uint8_t>}};

// From the first dimension running fastest to the last.
static std::vector<double> toRowMajor(const std::vector<double> &values, const std::vector<int64_t> &shape) {
  std::vector<double> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) { // i: place in Fortran order
    size_t rest = i, place = 0;
    for (int64_t size : shape) {
      place = place * size + rest % size;
      rest /= size;
    }
    result[place] = values[i];
  }
  return result;
}

bool qfa::format::parseNpy(std::span<const uint8_t> bytes, Array &array, std::string &error) {
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) {
    error = "is not a .npy array";
    return false;
  }
  size_t prefix = bytes[6] == 1 ? 10 : 12;
  size_t headerBytes = bytes[8] | bytes[9] << 8;
  if (prefix == 12)
    headerBytes |= static_cast<size_t>(bytes[10]) << 16 | static_cast<size_t>(bytes[11]) << 24;
  if (headerBytes > bytes.size() - prefix) {
    error = fmt::format("has a header of {} bytes, {} are left", headerBytes, bytes.size() - prefix);
    return false;
  }
  std::string_view header(reinterpret_cast<const char *>(bytes.data()) + prefix, headerBytes);
  const NumberType *type = nullptr;
  std::string_view description = entryOf(header, "descr");
  for (const NumberType &candidate : numberTypes)
    if (description.substr(0, 5) == fmt::format("'{}'", candidate.name))
      type = &candidate;
  if (!type) {
    error = fmt::format("has element type {}, wanted a float, an integer or a boolean", description.substr(0, 12));
    return false;
  }
  uint64_t count = 0, wanted = 0;
  array.shape.clear();
  if (!parseShape(entryOf(header, "shape"), array.shape, count) || __builtin_mul_overflow(count, type->size, &wanted)) {
    error = "has a malformed shape";
    return false;
  }
  bytes = bytes.subspan(prefix + headerBytes);
  if (bytes.size() != wanted) {
    error = fmt::format("has {} bytes of numbers, wanted {} for {}", bytes.size(), wanted, array.shape);
    return false;
  }
  array.integral = type->integral;
  array.values.resize(count);
  for (uint64_t i = 0; i < count; ++i)
    array.values[i] = type->at(bytes.data() + i * type->size);
  if (entryOf(header, "fortran_order").substr(0, 4) == "True")
    array.values = toRowMajor(array.values, array.shape);
  return true;
}

bool qfa::format::readNpy(const std::string &path, Array &array, std::string &error) {
  MappedFile file;
  if (!file.open(path, error))
    return false;
  if (parseNpy({file.data(), file.size()}, array, error))
    return true;
  error = path + ": " + error;
  return false;
}

template <typename T>
static void append(std::string &text, const std::vector<double> &values) {
  for (double value : values) {
    T number = static_cast<T>(value);
    text.append(reinterpret_cast<const char *>(&number), sizeof(T));
  }
}

std::string qfa::format::printNpy(const Array &array, bool wide) {
  std::string header =
      fmt::format("{{'descr': '<{}{}', 'fortran_order': False, 'shape': ({}{}), }}", array.integral ? 'i' : 'f',
                  wide ? 8 : 4, fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string text = std::string("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  text += header;
  if (array.integral)
    wide ? append<int64_t>(text, array.values) : append<int32_t>(text, array.values);
  else
    wide ? append<double>(text, array.values) : append<float>(text, array.values);
  return text;
}
