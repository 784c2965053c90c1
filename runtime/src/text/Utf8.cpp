// Checking, repairing and writing UTF-8 by the table of well-formed byte sequences (Unicode, table 3-7).
#include "text/Utf8.h"

namespace qfa::rt {

Utf8Step stepUtf8(std::string_view text, size_t pos) {
  unsigned char first = text[pos];
  if (first < 0x80)
    return {Utf8Step::Valid, first, 1};
  size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                  : (first & 0xF0) == 0xE0         ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4
                                                   : 0;
  if (length == 0)
    return {Utf8Step::Invalid, 0xFFFD, 1};
  // The second byte's range is narrower where a shorter form, a surrogate or a value above U+10FFFF would begin.
  unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i, low = 0x80, high = 0xBF) {
    if (pos + i == text.size())
      return {Utf8Step::Incomplete, 0xFFFD, i};
    unsigned char next = text[pos + i];
    if (next < low || next > high)
      return {Utf8Step::Invalid, 0xFFFD, i};
  }
  size_t end = pos;
  char32_t codePoint = nextCodePoint(text, end);
  return {Utf8Step::Valid, codePoint, length};
}

void appendUtf8(std::string &text, char32_t codePoint) {
  auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  auto tail = [&](int shift) { put(0x80 | (codePoint >> shift & 0x3F)); };
  if (codePoint < 0x80)
    return put(codePoint);
  if (codePoint < 0x800)
    return put(0xC0 | codePoint >> 6), tail(0);
  if (codePoint < 0x10000)
    return put(0xE0 | codePoint >> 12), tail(6), tail(0);
  put(0xF0 | codePoint >> 18), tail(12), tail(6), tail(0);
}

std::optional<size_t> findInvalidUtf8(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    Utf8Step step = stepUtf8(text, pos);
    if (step.kind != Utf8Step::Valid)
      return pos;
    pos += step.length;
  }
  return std::nullopt;
}

std::string replaceInvalidUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    Utf8Step step = stepUtf8(text, pos);
    if (step.kind == Utf8Step::Valid)
      result.append(text.substr(pos, step.length));
    else
      appendUtf8(result, 0xFFFD);
    pos += step.length;
  }
  return result;
}

} // namespace qfa::rt
