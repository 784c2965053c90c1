// Writing of safetensors, tensor by tensor, into a file that gets its name only when it is whole.
#include "qfa/Format/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace qfa::format;
using nlohmann::json;

static constexpr uint64_t alignment = 64;

void SafetensorsWriter::declare(std::string name, DType type, std::vector<int64_t> shape) {
  entries.push_back({std::move(name), type, std::move(shape)});
}

bool SafetensorsWriter::fail(std::string what, std::string &error) {
  error = fmt::format("cannot write {}: {}", target, what);
  abandon();
  return false;
}

void SafetensorsWriter::abandon() {
  if (descriptor < 0)
    return;
  close(descriptor);
  descriptor = -1;
  unlink((target + ".tmp").c_str());
}

bool SafetensorsWriter::layOut(uint64_t &total, std::string &error) {
  index.clear();
  for (size_t i = 0; i < entries.size(); ++i) {
    Entry &entry = entries[i];
    entry.bytes = sizeOf(entry.type);
    entry.written = 0;
    bool overflow = false;
    for (int64_t size : entry.shape)
      overflow |= size < 0 || __builtin_mul_overflow(entry.bytes, static_cast<uint64_t>(size), &entry.bytes);
    if (overflow || entry.bytes > INT64_MAX)
      return fail(fmt::format("tensor '{}' has shape {}, which is too large", entry.name, entry.shape), error);
    if (entry.name == "__metadata__" || !index.try_emplace(entry.name, i).second)
      return fail(fmt::format("tensor '{}' is declared twice or has a reserved name", entry.name), error);
  }
  total = 0;
  for (uint64_t width : {8, 4, 2, 1})
    for (Entry &entry : entries)
      if (sizeOf(entry.type) == width) {
        entry.begin = total;
        if ((total += entry.bytes) > INT64_MAX)
          return fail(fmt::format("more than {} bytes", INT64_MAX), error);
      }
  return true;
}

static bool writeFully(int descriptor, const void *data, uint64_t bytes, uint64_t position) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = pwrite(descriptor, from, std::min<uint64_t>(bytes, 1u << 30), position);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    from += written, position += written, bytes -= written;
  }
  return true;
}

// The header as it stands in the file, padded; entries must be laid out.
std::string SafetensorsWriter::header() const {
  auto quoted = [](const std::string &text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); };
  std::string header = "{";
  if (!notes.empty()) {
    header += "\"__metadata__\":{";
    for (const auto &[key, value] : notes)
      header += fmt::format("{}{}:{}", header.back() == '{' ? "" : ",", quoted(key), quoted(value));
    header += "}";
  }
  for (const Entry &entry : entries)
    header += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                          header.size() == 1 ? "" : ",", quoted(entry.name), nameOf(entry.type),
                          fmt::join(entry.shape, ","), entry.begin, entry.begin + entry.bytes);
  header += "}";
  header.resize((8 + header.size() + alignment - 1) / alignment * alignment - 8, ' ');
  return header;
}

bool SafetensorsWriter::measure(uint64_t &bytes, std::string &error) {
  uint64_t total;
  if (!layOut(total, error))
    return false;
  bytes = 8 + header().size() + total;
  return true;
}

bool SafetensorsWriter::open(const std::string &path, std::string &error) {
  abandon();
  target = path;
  uint64_t total;
  if (!layOut(total, error))
    return false;
  std::string header = this->header();
  uint64_t headerBytes = header.size();
  dataBegin = 8 + headerBytes;

  descriptor = ::open((target + ".tmp").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return fail(std::strerror(errno), error);
  // A full disk shows itself here, before any work.
  if (int reason = posix_fallocate(descriptor, 0, dataBegin + total))
    return fail(fmt::format("{} for {} bytes", std::strerror(reason), dataBegin + total), error);
  if (!writeFully(descriptor, &headerBytes, 8, 0) || !writeFully(descriptor, header.data(), headerBytes, 8))
    return fail(std::strerror(errno), error);
  return true;
}

bool SafetensorsWriter::write(std::string_view name, const void *data, uint64_t bytes, std::string &error) {
  auto found = index.find(name);
  if (found != index.end() && entries[found->second].bytes != bytes)
    return fail(fmt::format("tensor '{}' got {} bytes, wanted {}", name, bytes, entries[found->second].bytes), error);
  return writeAt(name, 0, data, bytes, error);
}

bool SafetensorsWriter::writeAt(std::string_view name, uint64_t offset, const void *data, uint64_t bytes,
                                std::string &error) {
  auto found = index.find(name);
  if (descriptor < 0 || found == index.end())
    return fail(descriptor < 0 ? "the file is not open" : fmt::format("tensor '{}' was not declared", name), error);
  Entry &entry = entries[found->second];
  if (offset > entry.bytes || bytes > entry.bytes - offset)
    return fail(fmt::format("tensor '{}' got bytes {} to {}, it has {}", name, offset, offset + bytes, entry.bytes),
                error);
  if (!writeFully(descriptor, data, bytes, dataBegin + entry.begin + offset))
    return fail(std::strerror(errno), error);
  entry.written += bytes;
  return true;
}

// A rename is on disk only when its folder is.
static void syncFolder(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    fsync(descriptor);
    close(descriptor);
  }
}

bool SafetensorsWriter::finish(std::string &error) {
  if (descriptor < 0)
    return fail("the file is not open", error);
  for (const Entry &entry : entries)
    if (entry.written < entry.bytes)
      return fail(fmt::format("tensor '{}' got {} of {} bytes", entry.name, entry.written, entry.bytes), error);
  if (fsync(descriptor) != 0 || close(std::exchange(descriptor, -1)) != 0 ||
      rename((target + ".tmp").c_str(), target.c_str()) != 0) {
    std::string reason = std::strerror(errno);
    unlink((target + ".tmp").c_str());
    return fail(reason, error);
  }
  syncFolder(target);
  return true;
}
