// Reading of safetensors: 8 bytes of header size, a JSON header, the tensors' bytes one after another.
#include "qfa/Format/Numbers.h"
#include "qfa/Format/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

using namespace qfa::format;
using nlohmann::json;

static constexpr uint64_t maxHeaderBytes = 100'000'000;

namespace {
struct TypeRow {
  DType type;
  std::string_view name;
  uint64_t size;
};
} // namespace
static constexpr TypeRow types[] = {{DType::F32, "F32", 4}, {DType::F16, "F16", 2}, {DType::BF16, "BF16", 2},
                                    {DType::I32, "I32", 4}, {DType::U32, "U32", 4}, {DType::I64, "I64", 8},
                                    {DType::U8, "U8", 1}};

uint64_t qfa::format::sizeOf(DType type) { return types[static_cast<int>(type)].size; }
std::string_view qfa::format::nameOf(DType type) { return types[static_cast<int>(type)].name; }
std::optional<DType> qfa::format::dtypeOf(std::string_view name) {
  for (const TypeRow &row : types)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

// The header as JSON, or a discarded value. A name that comes twice would silently hide the first tensor.
static json parseHeader(std::string_view text, std::string &error) {
  std::set<std::string> names;
  std::string repeated;
  json header = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json &value) {
        if (depth == 1 && event == json::parse_event_t::key && !names.insert(value.get<std::string>()).second)
          repeated = value.get<std::string>();
        return true;
      },
      /*allow_exceptions=*/false);
  if (!header.is_object())
    error = "header is not a JSON object";
  else if (!repeated.empty())
    error = fmt::format("tensor '{}' comes twice", repeated);
  return error.empty() ? header : json(json::value_t::discarded);
}

static bool isCount(const json &value) { return value.is_number_unsigned(); }

// One entry of the header; `data` are the bytes after the header.
static bool parseTensor(const std::string &name, const json &entry, std::span<const uint8_t> data, TensorView &view,
                        std::string &error) {
  const char *keys[] = {"dtype", "shape", "data_offsets"};
  if (!entry.is_object() || !std::all_of(std::begin(keys), std::end(keys), [&](auto k) { return entry.contains(k); })) {
    error = fmt::format("tensor '{}' lacks dtype, shape or data_offsets", name);
    return false;
  }
  const json &type = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  std::optional<DType> dtype = type.is_string() ? dtypeOf(type.get_ref<const std::string &>()) : std::nullopt;
  if (!dtype) {
    error =
        fmt::format("tensor '{}' has element type {}, wanted F32, F16, BF16, I32, U32, I64 or U8", name, type.dump());
    return false;
  }
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), isCount) || !offsets.is_array() ||
      offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), isCount)) {
    error = fmt::format("tensor '{}' has shape {} and data_offsets {}, wanted lists of numbers", name, shape.dump(),
                        offsets.dump());
    return false;
  }
  uint64_t begin = offsets[0], end = offsets[1], bytes = sizeOf(*dtype);
  for (const json &dimension : shape) {
    uint64_t size = dimension;
    if (size > INT64_MAX || __builtin_mul_overflow(bytes, size, &bytes)) {
      error = fmt::format("tensor '{}' has shape {}, which is too large", name, shape.dump());
      return false;
    }
    view.shape.push_back(static_cast<int64_t>(size));
  }
  if (begin > end || end > data.size()) {
    error = fmt::format("tensor '{}' lies at bytes {} to {}, the file has {}", name, begin, end, data.size());
    return false;
  }
  if (end - begin != bytes) {
    error = fmt::format("tensor '{}' has {} bytes, wanted {} for {} {}", name, end - begin, bytes, shape.dump(),
                        nameOf(*dtype));
    return false;
  }
  view.name = name;
  view.type = *dtype;
  view.data = data.data() + begin;
  view.bytes = bytes;
  return true;
}

static bool parseFile(std::span<const uint8_t> file, std::vector<TensorView> &views,
                      std::map<std::string, std::string> &notes, std::string &error) {
  uint64_t headerBytes = 0;
  if (file.size() < 8) {
    error = fmt::format("is truncated: {} bytes, wanted at least 8", file.size());
    return false;
  }
  std::memcpy(&headerBytes, file.data(), 8);
  if (headerBytes > maxHeaderBytes || headerBytes > file.size() - 8) {
    error = fmt::format("says its header has {} bytes; the file has {} and a header at most {}", headerBytes,
                        file.size(), maxHeaderBytes);
    return false;
  }
  json header = parseHeader({reinterpret_cast<const char *>(file.data()) + 8, headerBytes}, error);
  if (header.is_discarded())
    return false;
  std::span<const uint8_t> data = file.subspan(8 + headerBytes);
  for (const auto &[name, entry] : header.items()) {
    if (name != "__metadata__") {
      if (!parseTensor(name, entry, data, views.emplace_back(), error))
        return false;
      continue;
    }
    for (const auto &[key, value] : entry.items())
      if (value.is_string())
        notes[key] = value.get<std::string>();
  }
  // In the order of their bytes each tensor begins where the one before ends: no overlap, nothing hidden between.
  std::sort(views.begin(), views.end(), [](const TensorView &a, const TensorView &b) {
    return std::tie(a.data, a.bytes, a.name) < std::tie(b.data, b.bytes, b.name);
  });
  const uint8_t *expected = data.data();
  for (const TensorView &view : views) {
    if (view.data != expected) {
      error = fmt::format("tensor '{}' begins at byte {}, wanted {}", view.name, view.data - data.data(),
                          expected - data.data());
      return false;
    }
    expected += view.bytes;
  }
  if (expected != data.data() + data.size()) {
    error = fmt::format("has {} bytes of data, its tensors {}", data.size(), expected - data.data());
    return false;
  }
  return true;
}

bool SafetensorsReader::open(const std::string &path, std::string &error) {
  file = path;
  views.clear();
  notes.clear();
  index.clear();
  if (!mapped.open(path, error))
    return false;
  std::string reason;
  if (!parseFile({mapped.data(), mapped.size()}, views, notes, reason)) {
    views.clear();
    error = path + ": " + reason;
    return false;
  }
  for (size_t i = 0; i < views.size(); ++i) {
    views[i].offset = views[i].data - mapped.data();
    index[views[i].name] = i;
  }
  return true;
}

const TensorView *SafetensorsReader::find(std::string_view name) const {
  auto found = index.find(name);
  return found == index.end() ? nullptr : &views[found->second];
}

const TensorView *SafetensorsReader::get(std::string_view name, DType type, const std::vector<int64_t> &shape,
                                         std::string &error) const {
  const TensorView *view = find(name);
  if (!view)
    error = fmt::format("{}: has no tensor '{}'", file, name);
  else if (view->type != type || view->shape != shape)
    error = fmt::format("{}: tensor '{}' is {} {}, wanted {} {}", file, name, nameOf(view->type), view->shape,
                        nameOf(type), shape);
  else
    return view;
  return nullptr;
}

template <typename T, typename Convert>
static void convert(const TensorView &view, uint64_t first, uint64_t count, float *result, Convert toFloat) {
  const uint8_t *source = view.data + first * sizeof(T);
  for (uint64_t i = 0; i < count; ++i) {
    T value; // other writers align to the header's end only
    std::memcpy(&value, source + i * sizeof(T), sizeof(T));
    result[i] = toFloat(value);
  }
}

void SafetensorsReader::readFloats(const TensorView &view, uint64_t first, uint64_t count, float *result) {
  if (view.type == DType::F16)
    convert<uint16_t>(view, first, count, result, halfToFloat);
  else if (view.type == DType::BF16)
    convert<uint16_t>(view, first, count, result, bfloatToFloat);
  else
    convert<float>(view, first, count, result, [](float value) { return value; });
}
