// Safetensors files: a bounds-checked reader over mapped bytes, and a writer that streams tensor by tensor.
// Nothing here throws; a function that fails returns false or null and explains itself in `error`.
#ifndef QFA_FORMAT_SAFETENSORS_H
#define QFA_FORMAT_SAFETENSORS_H

#include "qfa/Format/MappedFile.h"

#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace qfa::format {

enum class DType : uint8_t { F32, F16, BF16, I32, U32, I64, U8 };

uint64_t sizeOf(DType type);
std::string_view nameOf(DType type);
std::optional<DType> dtypeOf(std::string_view name);

// One tensor of a file; `data` points into the mapped bytes. It is aligned to the element's size where
// SafetensorsWriter wrote it; foreign files may pad otherwise.
struct TensorView {
  std::string name;
  DType type;
  std::vector<int64_t> shape;
  const uint8_t *data;
  uint64_t offset; // of data, in the file
  uint64_t bytes;

  uint64_t count() const { return bytes / sizeOf(type); }
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T *>(data), bytes / sizeof(T)};
  }
};

class SafetensorsReader {
public:
  // Refuses, before anything is allocated by the file's own word: a header beyond the file or 100 MB, malformed JSON,
  // names that come twice, unknown element types, shapes that overflow or disagree with their bytes, gaps and overlaps,
  // bytes after the last tensor.
  bool open(const std::string &path, std::string &error);

  const std::vector<TensorView> &tensors() const { return views; } // in the order of their bytes
  const std::map<std::string, std::string> &metadata() const { return notes; }
  const TensorView *find(std::string_view name) const;

  // The tensor of this name, type and shape, or null with an error that names the file.
  const TensorView *get(std::string_view name, DType type, const std::vector<int64_t> &shape, std::string &error) const;

  // Elements first .. first + count - 1 of a floating-point tensor as floats; the caller stays within the tensor.
  static void readFloats(const TensorView &view, uint64_t first, uint64_t count, float *result);

private:
  std::string file;
  MappedFile mapped;
  std::vector<TensorView> views;
  std::map<std::string, std::string> notes;
  std::unordered_map<std::string_view, size_t> index;
};

// Declare all tensors, open, write their bytes in any order, finish. The file appears under its name only when it is
// whole: until then it is `path`.tmp, which a failure or the destructor removes. For one thread at a time.
class SafetensorsWriter {
public:
  SafetensorsWriter() = default;
  SafetensorsWriter(const SafetensorsWriter &) = delete;
  SafetensorsWriter &operator=(const SafetensorsWriter &) = delete;
  ~SafetensorsWriter() { abandon(); }

  void declare(std::string name, DType type, std::vector<int64_t> shape);
  void setMetadata(std::string key, std::string value) { notes[std::move(key)] = std::move(value); }

  // Size of the file that `open` would begin, without touching the disk.
  bool measure(uint64_t &bytes, std::string &error);

  // Lays the tensors out (wide elements first, so that each is aligned; otherwise as declared), reserves the space on
  // disk and writes the header, padded so that the data begins at a multiple of 64 bytes.
  bool open(const std::string &path, std::string &error);

  // The whole tensor, or a part of it from byte `offset` on.
  bool write(std::string_view name, const void *data, uint64_t bytes, std::string &error);
  bool writeAt(std::string_view name, uint64_t offset, const void *data, uint64_t bytes, std::string &error);

  // Checks that every byte was written, flushes to disk and gives the file its name.
  bool finish(std::string &error);
  void abandon();

private:
  struct Entry {
    std::string name;
    DType type;
    std::vector<int64_t> shape;
    uint64_t begin = 0, bytes = 0, written = 0;
  };
  bool layOut(uint64_t &total, std::string &error);
  std::string header() const;
  bool fail(std::string what, std::string &error);

  std::string target;
  int descriptor = -1;
  uint64_t dataBegin = 0;
  std::vector<Entry> entries;
  std::map<std::string, std::string> notes;
  std::unordered_map<std::string_view, size_t> index;
};

} // namespace qfa::format

#endif // QFA_FORMAT_SAFETENSORS_H
