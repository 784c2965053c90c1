// Whole files by POSIX calls, for the sake of fsync.
#include "support/Files.h"

#include "qfa/Format/MappedFile.h"
#include "support/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <xxhash.h>

using namespace qfa::rt;
namespace fs = std::filesystem;

std::string qfa::rt::readTextFile(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || fs::is_directory(path))
    fail("cannot read '{}': {}", path.string(), fs::is_directory(path) ? "it is a folder" : std::strerror(errno));
  text << file.rdbuf();
  return text.str();
}

void qfa::rt::writeTextFile(const fs::path &path, std::string_view text) {
  std::string aside = path.string() + ".tmp";
  auto giveUp = [&](int descriptor) {
    int reason = errno;
    if (descriptor >= 0)
      close(descriptor);
    unlink(aside.c_str());
    fail("cannot write '{}': {}", path.string(), std::strerror(reason));
  };
  int descriptor = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    giveUp(-1);
  for (size_t done = 0; done < text.size();) {
    ssize_t written = write(descriptor, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR)
      giveUp(descriptor);
    done += written > 0 ? written : 0;
  }
  if (fsync(descriptor) != 0)
    giveUp(descriptor);
  if (close(descriptor) != 0 || rename(aside.c_str(), path.c_str()) != 0)
    giveUp(-1);
  syncFolder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

std::string qfa::rt::checksumOf(const fs::path &path) {
  format::MappedFile file;
  std::string error;
  if (!file.open(path.string(), error))
    throw Error(error);
  return fmt::format("{:016x}", XXH3_64bits(file.data(), file.size()));
}

void qfa::rt::syncFolder(const fs::path &folder) {
  int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return;
  fsync(descriptor);
  close(descriptor);
}

std::string qfa::rt::humanBytes(double bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit)
    bytes /= 1024;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}
