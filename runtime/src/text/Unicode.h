// Properties of code points and canonical composition (NFC), in the Unicode versions of scripts/make-unicode-tables.py.
#ifndef QFA_RUNTIME_TEXT_UNICODE_H
#define QFA_RUNTIME_TEXT_UNICODE_H

#include <cstdint>
#include <string>
#include <string_view>

namespace qfa::rt {

/// The index of a general category, 0..29; one bit each in a CategoryMask.
using CategoryMask = uint32_t;
CategoryMask categoryBit(char32_t codePoint);

/// The categories that a name stands for: "Lu" one, "L" all whose names begin with it; 0 for an unknown name.
CategoryMask categoriesNamed(std::string_view name);

/// White_Space: what \s matches.
bool isSpace(char32_t codePoint);

/// Number categories as the digit splitter of tokenizer.json sees them, which is one Unicode version ahead.
bool isNumeric(char32_t codePoint);

/// Alphabetic, mark, decimal number, connector punctuation or joiner: what makes a neighbour of a single-word token.
bool isWordCharacter(char32_t codePoint);

/// Canonical composition of valid UTF-8.
std::string normalizeNfc(std::string_view text);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_UNICODE_H
