// A file's bytes, mapped for reading.
#ifndef QFA_FORMAT_MAPPEDFILE_H
#define QFA_FORMAT_MAPPEDFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace qfa::format {

class MappedFile {
public:
  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  // On failure `error` says why and the object is empty.
  bool open(const std::string &path, std::string &error);

  const uint8_t *data() const { return bytes; }
  size_t size() const { return length; }

private:
  const uint8_t *bytes = nullptr;
  size_t length = 0;
};

} // namespace qfa::format

#endif // QFA_FORMAT_MAPPEDFILE_H
