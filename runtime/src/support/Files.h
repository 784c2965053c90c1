// Whole files: read, written so that a crash leaves the old or the new one, and checksummed.
#ifndef QFA_RUNTIME_SUPPORT_FILES_H
#define QFA_RUNTIME_SUPPORT_FILES_H

#include <filesystem>
#include <string>
#include <string_view>

namespace qfa::rt {

/// Throws Error naming the file.
std::string readTextFile(const std::filesystem::path &path);
/// Writes beside, flushes to disk, renames. Throws Error; then the old file is untouched.
void writeTextFile(const std::filesystem::path &path, std::string_view text);
/// XXH3 (64 bits) of a file's bytes as 16 hexadecimal digits.
std::string checksumOf(const std::filesystem::path &path);
/// Makes a rename within a folder last through a power cut.
void syncFolder(const std::filesystem::path &folder);
/// As a user reads it: 512 B, 1.5 KiB, 20.3 MiB.
std::string humanBytes(double bytes);

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_FILES_H
