// Buffers are mapped one by one; pages and shadow cost nothing until they are touched.
#include "qfa/GpuEmulator/Memory.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>

using namespace qfa::emu;

// Wider than the step of any loop that walks past its end.
static constexpr size_t gapBytes = 4 << 20, pageBytes = 4096;

static size_t mappedBytes(size_t bytes) { return (std::max<size_t>(bytes, 1) + pageBytes - 1) / pageBytes * pageBytes; }

static std::byte *reserve(size_t bytes, int protection) {
  void *at = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<std::byte *>(at);
}

static auto positionOf(std::vector<Buffer> &buffers, uint64_t address) {
  return std::upper_bound(buffers.begin(), buffers.end(), address,
                          [](uint64_t value, const Buffer &buffer) { return value < uint64_t(buffer.data); });
}

Memory::~Memory() {
  while (!buffers.empty())
    release(buffers.back().data);
}

std::byte *Memory::allocate(std::string name, size_t bytes) {
  size_t inner = mappedBytes(bytes);
  std::byte *outer = reserve(inner + 2 * gapBytes, PROT_NONE);
  if (!outer)
    return nullptr;
  std::byte *data = outer + gapBytes;
  if (mprotect(data, inner, PROT_READ | PROT_WRITE) != 0) {
    munmap(outer, inner + 2 * gapBytes);
    return nullptr;
  }
  std::memset(data, 0xff, bytes);
  adopt(std::move(name), data, bytes, true);
  Buffer *buffer = find(uint64_t(data), true);
  buffer->initialised = false;
  buffer->owned = true;
  return data;
}

void Memory::adopt(std::string name, std::byte *data, size_t bytes, bool writable) {
  Buffer buffer{std::move(name), data, bytes, writable, /*initialised=*/true};
  buffer.shadow =
      reinterpret_cast<ShadowByte *>(reserve(mappedBytes(bytes * sizeof(ShadowByte)), PROT_READ | PROT_WRITE));
  buffers.insert(positionOf(buffers, uint64_t(data)), buffer);
}

void Memory::release(std::byte *data) {
  auto at = std::find_if(buffers.begin(), buffers.end(), [&](const Buffer &buffer) { return buffer.data == data; });
  if (at == buffers.end())
    return;
  if (at->shadow)
    munmap(at->shadow, mappedBytes(at->bytes * sizeof(ShadowByte)));
  if (at->owned)
    munmap(data - gapBytes, mappedBytes(at->bytes) + 2 * gapBytes);
  buffers.erase(at);
}

void Memory::markInitialised(const std::byte *data, size_t bytes) {
  Buffer *buffer = find(uint64_t(data));
  if (!buffer || buffer->initialised)
    return;
  if (bytes >= buffer->bytes)
    buffer->initialised = true;
  else if (buffer->shadow)
    for (size_t i = 0; i < bytes; ++i)
      buffer->shadow[data - buffer->data + i].written = true;
}

void Memory::trustAll() {
  for (Buffer &buffer : buffers)
    buffer.initialised = true;
}

Buffer *Memory::find(uint64_t address, bool nearest) {
  auto after = positionOf(buffers, address);
  Buffer *before = after == buffers.begin() ? nullptr : &*(after - 1);
  if (before && address < uint64_t(before->data) + std::max<size_t>(before->bytes, nearest))
    return before;
  if (!nearest || buffers.empty())
    return nullptr;
  if (!before || after == buffers.end())
    return before ? before : &*after;
  return address - (uint64_t(before->data) + before->bytes) < uint64_t(after->data) - address ? before : &*after;
}

std::string Memory::describe(uint64_t address) {
  Buffer *buffer = find(address, true);
  if (!buffer)
    return "";
  return fmt::format("buffer '{}'{:+} of {} bytes", buffer->name, int64_t(address - uint64_t(buffer->data)),
                     buffer->bytes);
}
