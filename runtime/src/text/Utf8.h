// Reading and repairing UTF-8, code point by code point.
#ifndef QFA_RUNTIME_TEXT_UTF8_H
#define QFA_RUNTIME_TEXT_UTF8_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace qfa::rt {

/// What stands at one position of a byte string.
struct Utf8Step {
  enum Kind { Valid, Invalid, Incomplete } kind;
  char32_t codePoint; ///< U+FFFD unless kind is Valid
  size_t length;      ///< bytes: the sequence, or the longest beginning of one (at least 1)
};

/// Examines text[pos...]; pos < text.size(). Incomplete: the text ends inside a sequence that is right so far.
Utf8Step stepUtf8(std::string_view text, size_t pos);

/// Decodes the code point at pos of valid UTF-8 and moves pos behind it.
inline char32_t nextCodePoint(std::string_view text, size_t &pos) {
  unsigned char first = text[pos];
  if (first < 0x80)
    return ++pos, first;
  auto tail = [&](size_t i) { return static_cast<char32_t>(text[pos + i]) & 0x3F; };
  char32_t result;
  if (first < 0xE0)
    return result = (first & 0x1Fu) << 6 | tail(1), pos += 2, result;
  if (first < 0xF0)
    return result = (first & 0x0Fu) << 12 | tail(1) << 6 | tail(2), pos += 3, result;
  return result = (first & 0x07u) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), pos += 4, result;
}

/// Where the code point that ends before pos begins; pos > 0.
inline size_t previousCodePoint(std::string_view text, size_t pos) {
  do
    --pos;
  while (pos > 0 && (text[pos] & 0xC0) == 0x80);
  return pos;
}

void appendUtf8(std::string &text, char32_t codePoint);

/// The offset of the first byte that is not part of valid UTF-8.
std::optional<size_t> findInvalidUtf8(std::string_view text);

/// Each ill-formed piece (the longest beginning of a sequence, else one byte) becomes one U+FFFD, as in Python and
/// Rust.
std::string replaceInvalidUtf8(std::string_view text);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_UTF8_H
