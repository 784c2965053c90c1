// Mapping of files for reading.
#include "qfa/Format/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace qfa::format;

MappedFile::MappedFile(MappedFile &&other) noexcept
    : bytes(std::exchange(other.bytes, nullptr)), length(std::exchange(other.length, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(bytes, other.bytes);
  std::swap(length, other.length);
  return *this;
}

MappedFile::~MappedFile() {
  if (length)
    munmap(const_cast<uint8_t *>(bytes), length);
}

bool MappedFile::open(const std::string &path, std::string &error) {
  *this = MappedFile();
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    error = "cannot open " + path + ": " + std::strerror(errno);
    if (descriptor >= 0)
      close(descriptor);
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    error = "cannot open " + path + ": not a regular file";
    close(descriptor);
    return false;
  }
  if (status.st_size == 0) { // nothing to map
    close(descriptor);
    return true;
  }
  void *address = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  int reason = errno;
  close(descriptor); // the mapping keeps the file
  if (address == MAP_FAILED) {
    error = "cannot map " + path + ": " + std::strerror(reason);
    return false;
  }
  bytes = static_cast<const uint8_t *>(address);
  length = status.st_size;
  return true;
}
