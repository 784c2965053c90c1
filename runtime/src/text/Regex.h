// A small backtracking regular-expression engine over code points: the grammar of the patterns in tokenizer.json.
//
// Grammar: alternation, groups (...) (?:...) (?i:...), lookahead (?=...) (?!...), classes [...] with ranges and
// negation, the escapes \s \S \d \D \p{L} \P{L} \p{^L} (any general category) \n \r \t \f \v \xHH \uHHHH, '.',
// quantifiers * + ? {m} {m,} {m,n}, possessive *+ ++ ?+ after a single-character atom. Everything else is refused by
// name: a pattern is never half understood.
#ifndef QFA_RUNTIME_TEXT_REGEX_H
#define QFA_RUNTIME_TEXT_REGEX_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/Unicode.h"
#include "text/Utf8.h"

namespace qfa::rt {

/// A set of code points.
struct CharacterSet {
  bool negated = false;
  bool spaces = false, nonSpaces = false;            // \s, \S
  CategoryMask categories = 0;                       // any of these
  std::vector<CategoryMask> excluded;                // \P{..}: none of these
  std::vector<std::pair<char32_t, char32_t>> ranges; // first..last
  uint64_t ascii[2] = {0, 0};                        // the answer for code points below 128, filled by finish()

  void finish();
  bool contains(char32_t c) const { return c < 128 ? ascii[c >> 6] >> (c & 63) & 1 : containsSlowly(c); }

private:
  bool containsSlowly(char32_t c) const;
};

class Regex {
public:
  /// Throws Error that names the construct which is not in the grammar.
  explicit Regex(std::string_view pattern);

  /// The end of the match that begins at pos, the alternatives tried in order; text is valid UTF-8.
  std::optional<size_t> matchAt(std::string_view text, size_t pos) const;

  /// The first match at or after pos as {begin, end}.
  std::optional<std::pair<size_t, size_t>> search(std::string_view text, size_t pos) const;

  /// Calls take(begin, end) for each match that is not empty, from left to right.
  template <typename Take>
  void forEachMatch(std::string_view text, Take &&take) const {
    for (size_t pos = 0; pos < text.size();) {
      auto found = search(text, pos);
      if (!found)
        return;
      pos = found->second;
      if (found->first < found->second)
        take(found->first, found->second);
      else if (pos < text.size())
        nextCodePoint(text, pos);
    }
  }

  /// One instruction of the matcher.
  struct Instruction {
    enum Kind { Set, Repeat, Split, Jump, Look, Match } kind;
    int32_t set = -1;                ///< Set, Repeat: which characters
    uint32_t least = 1, most = 1;    ///< Repeat: how many of them
    bool possessive = false;         ///< Repeat: never gives one back
    bool negative = false;           ///< Look
    int32_t target = -1, other = -1; ///< Split: first and second choice; Jump, and Look: where the program goes on
  };

private:
  friend class RegexParser;
  std::optional<size_t> run(std::string_view text, size_t pos, int32_t start) const;

  std::vector<Instruction> program;
  std::vector<CharacterSet> sets;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_REGEX_H
