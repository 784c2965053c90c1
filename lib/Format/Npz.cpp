// .npz: a zip archive with one .npy per entry. Read through the central directory, whose sizes are always filled in.
#include "Npy.h"
#include "qfa/Format/MappedFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <zlib.h>

using namespace qfa::format;

static constexpr uint32_t localMagic = 0x04034b50, centralMagic = 0x02014b50, endMagic = 0x06054b50;
static constexpr size_t localBytes = 30, centralBytes = 46, endBytes = 22;
// A recorded array is small; more would be a bomb.
static constexpr uint64_t maxEntryBytes = uint64_t(4) << 30;

static uint32_t read16(const uint8_t *at) { return at[0] | at[1] << 8; }
static uint32_t read32(const uint8_t *at) { return read16(at) | read16(at + 2) << 16; }

static bool inflateEntry(std::span<const uint8_t> packed, std::vector<uint8_t> &bytes) {
  z_stream stream = {};
  stream.next_in = const_cast<uint8_t *>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

// One entry, from its record in the central directory.
static bool readEntry(std::span<const uint8_t> file, const uint8_t *record, Array &array, std::string &error) {
  uint32_t method = read16(record + 10), crc = read32(record + 16);
  uint64_t packedBytes = read32(record + 20), bytes = read32(record + 24), local = read32(record + 42);
  if (local + localBytes > file.size() || read32(file.data() + local) != localMagic || bytes >= maxEntryBytes - 1) {
    error = "is not where the archive's directory says, or too large";
    return false;
  }
  uint64_t begin = local + localBytes + read16(file.data() + local + 26) + read16(file.data() + local + 28);
  // deflate packs at most about 1032 to 1: refused before the allocation
  if (begin > file.size() || packedBytes > file.size() - begin || bytes / 1040 > packedBytes) {
    error = fmt::format("has {} bytes at {}, the archive has {}", packedBytes, begin, file.size());
    return false;
  }
  std::span<const uint8_t> content = file.subspan(begin, packedBytes);
  std::vector<uint8_t> unpacked;
  if (method == 8) {
    unpacked.resize(bytes);
    if (!inflateEntry(content, unpacked)) {
      error = "has malformed compressed bytes";
      return false;
    }
    content = unpacked;
  } else if (method != 0) {
    error = fmt::format("is compressed by method {}, wanted 0 or 8", method);
    return false;
  }
  if (crc32(0, content.data(), static_cast<uInt>(content.size())) != crc) {
    error = "has another checksum than the archive's directory";
    return false;
  }
  return parseNpy(content, array, error);
}

static bool parseNpz(std::span<const uint8_t> file, Arrays &arrays, std::string &error) {
  // The end record stands last, before a comment of at most 64 KiB.
  size_t end = file.size();
  for (size_t back = endBytes; back <= std::min<size_t>(file.size(), endBytes + 0xffff); ++back)
    if (read32(file.data() + file.size() - back) == endMagic) {
      end = file.size() - back;
      break;
    }
  if (end == file.size()) {
    error = "is not a .npz archive";
    return false;
  }
  uint64_t count = read16(file.data() + end + 10), at = read32(file.data() + end + 16);
  for (uint64_t i = 0; i < count; ++i) {
    if (at + centralBytes > end || read32(file.data() + at) != centralMagic ||
        at + centralBytes + read16(file.data() + at + 28) > end) {
      error = fmt::format("has a malformed directory at entry {}", i);
      return false;
    }
    const uint8_t *record = file.data() + at;
    std::string name(reinterpret_cast<const char *>(record) + centralBytes, read16(record + 28));
    if (name.ends_with(".npy"))
      name.resize(name.size() - 4);
    if (!readEntry(file, record, arrays[name], error)) {
      error = fmt::format("array '{}' {}", name, error);
      return false;
    }
    at += centralBytes + read16(record + 28) + read16(record + 30) + read16(record + 32);
  }
  return true;
}

bool qfa::format::readNpz(const std::string &path, Arrays &arrays, std::string &error) {
  MappedFile file;
  arrays.clear();
  if (!file.open(path, error))
    return false;
  if (parseNpz({file.data(), file.size()}, arrays, error))
    return true;
  error = path + ": " + error;
  return false;
}

static void put(std::string &text, uint64_t value, int bytes) {
  for (; bytes > 0; --bytes, value >>= 8)
    text += static_cast<char>(value & 255);
}

// The fields that an entry's local record and its directory record share.
static void putFields(std::string &text, const std::string &name, const std::string &content) {
  put(text, 20, 2);         // version needed
  put(text, 0, 4);          // flags, method: stored
  put(text, 0x00210000, 4); // time and date: 1 January 1980, so that equal arrays give equal files
  put(text, crc32(0, reinterpret_cast<const Bytef *>(content.data()), static_cast<uInt>(content.size())), 4);
  put(text, content.size(), 4);
  put(text, content.size(), 4);
  put(text, name.size(), 2);
  put(text, 0, 2); // extra field
}

bool qfa::format::writeNpz(const std::string &path, const Arrays &arrays, bool wide, std::string &error) {
  std::string text, directory;
  for (const auto &[key, array] : arrays) {
    std::string name = key + ".npy", content = printNpy(array, wide);
    size_t local = text.size();
    if (content.size() >= UINT32_MAX || local >= UINT32_MAX) {
      error = fmt::format("cannot write {}: more than 4 GiB", path);
      return false;
    }
    put(text, localMagic, 4);
    putFields(text, name, content);
    text += name + content;
    put(directory, centralMagic, 4);
    put(directory, 20, 2); // version made by
    putFields(directory, name, content);
    put(directory, 0, 10); // comment, disk, attributes
    put(directory, local, 4);
    directory += name;
  }
  size_t begin = text.size();
  text += directory;
  put(text, endMagic, 4);
  put(text, 0, 4); // disks
  put(text, arrays.size(), 2);
  put(text, arrays.size(), 2);
  put(text, directory.size(), 4);
  put(text, begin, 4);
  put(text, 0, 2); // comment
  std::FILE *file = std::fopen(path.c_str(), "wb");
  bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file)
    written &= std::fclose(file) == 0;
  if (!written)
    error = fmt::format("cannot write {}: {}", path, std::strerror(errno));
  return written;
}
