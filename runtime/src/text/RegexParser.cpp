// Turns the text of a pattern into the matcher's instructions.
#include <algorithm>

#include "support/Error.h"
#include "text/Regex.h"
#include "text/Utf8.h"

namespace qfa::rt {

using Kind = Regex::Instruction::Kind;

void CharacterSet::finish() {
  ascii[0] = ascii[1] = 0;
  for (char32_t c = 0; c < 128; ++c)
    if (containsSlowly(c))
      ascii[c >> 6] |= uint64_t(1) << (c & 63);
}

bool CharacterSet::containsSlowly(char32_t c) const {
  CategoryMask bit = categoryBit(c);
  bool space = isSpace(c);
  bool inside =
      (categories & bit) || (spaces && space) || (nonSpaces && !space) ||
      std::any_of(excluded.begin(), excluded.end(), [&](CategoryMask mask) { return !(mask & bit); }) ||
      std::any_of(ranges.begin(), ranges.end(), [&](auto &range) { return c >= range.first && c <= range.second; });
  return inside != negated;
}

/// Recursive descent; each parse function appends instructions and returns the least length in characters of what it
/// read.
class RegexParser {
public:
  RegexParser(std::string_view pattern, Regex &out) : pattern(pattern), out(out) {
    alternation(false);
    if (pos < pattern.size())
      refuse("')' without '('");
    emit({Kind::Match});
  }

private:
  [[noreturn]] void refuse(const std::string &construct) const {
    fail("regular expression '{}': {} at offset {} is not supported", pattern, construct, pos);
  }
  bool atEnd() const { return pos == pattern.size(); }
  bool looksAt(std::string_view text) const { return pattern.substr(pos, text.size()) == text; }
  bool take(std::string_view text) { return looksAt(text) ? pos += text.size(), true : false; }
  int32_t here() const { return static_cast<int32_t>(out.program.size()); }
  int32_t emit(Regex::Instruction instruction) {
    out.program.push_back(instruction);
    return here() - 1;
  }

  size_t alternation(bool ignoreCase) {
    if (++depth > 100)
      refuse("a group nested more than 100 deep");
    std::vector<int32_t> jumps;
    size_t least = SIZE_MAX;
    for (;;) {
      int32_t begin = here();
      least = std::min(least, concatenation(ignoreCase));
      if (!take("|"))
        break;
      // A split in front of the branch that was just read: shift its instructions by one.
      insertSplit(begin);
      jumps.push_back(emit({Kind::Jump}));
      out.program[begin].target = begin + 1;
      out.program[begin].other = here();
    }
    for (int32_t jump : jumps)
      out.program[jump].target = here();
    --depth;
    return least;
  }

  void insertSplit(int32_t at) {
    for (int32_t i = at; i < here(); ++i) {
      auto &instruction = out.program[i];
      instruction.target += instruction.target >= at;
      instruction.other += instruction.other >= at;
    }
    out.program.insert(out.program.begin() + at, Regex::Instruction{Kind::Split});
  }

  size_t concatenation(bool ignoreCase) {
    size_t least = 0;
    char32_t previousLetter = 0;
    while (!atEnd() && !looksAt("|") && !looksAt(")"))
      least += quantified(ignoreCase, previousLetter);
    return least;
  }

  size_t quantified(bool ignoreCase, char32_t &previousLetter) {
    int32_t begin = here();
    char32_t letter = 0;
    size_t least = atom(ignoreCase, letter);
    bool single = here() == begin + 1 && out.program[begin].kind == Kind::Set;
    // Folding of case also joins letters (ss and sharp s, ff and its ligature); a pattern that asks for these is
    // refused.
    if (ignoreCase && ((previousLetter == 's' && (letter == 's' || letter == 't')) ||
                       (previousLetter == 'f' && (letter == 'f' || letter == 'i' || letter == 'l'))))
      refuse("'" + std::string{char(previousLetter), char(letter)} + "' under (?i:");
    previousLetter = letter;
    uint32_t low = 1, high = 1;
    bool interval = false;
    if (take("*"))
      low = 0, high = UINT32_MAX;
    else if (take("+"))
      high = UINT32_MAX;
    else if (take("?"))
      low = 0;
    else if (looksAt("{"))
      parseInterval(low, high), interval = true;
    else
      return least;
    previousLetter = 0;
    if (looksAt("?"))
      refuse("a lazy quantifier");
    bool possessive = looksAt("+");
    if (possessive && (interval || !single))
      refuse("a possessive quantifier of more than one character or an interval");
    pos += possessive;
    if (looksAt("*") || looksAt("+") || looksAt("?") || looksAt("{"))
      refuse("a quantifier of a quantifier");
    if (single) {
      auto &instruction = out.program[begin];
      instruction.kind = Kind::Repeat, instruction.least = low, instruction.most = high,
      instruction.possessive = possessive;
    } else {
      repeatGroup(begin, low, high, least);
    }
    return least * low;
  }

  /// Writes out x{low,high}: low copies, then optional ones or a loop.
  void repeatGroup(int32_t begin, uint32_t low, uint32_t high, size_t least) {
    if (least == 0)
      refuse("a repeated group that can be empty");
    std::vector<Regex::Instruction> body(out.program.begin() + begin, out.program.end());
    uint32_t copies = high == UINT32_MAX ? std::max(low, 1u) : high;
    if (copies * body.size() > 10000)
      refuse("a repetition that long");
    out.program.resize(begin);
    std::vector<int32_t> splits;
    int32_t lastCopy = begin;
    for (uint32_t copy = 0; copy < copies; ++copy) {
      if (copy >= low)
        splits.push_back(emit({Kind::Split}));
      int32_t shift = here() - begin;
      lastCopy = here();
      for (auto instruction : body) {
        if (instruction.target >= 0)
          instruction.target += shift;
        if (instruction.other >= 0)
          instruction.other += shift;
        emit(instruction);
      }
    }
    if (high == UINT32_MAX) { // behind the last copy: go back to it, or on
      int32_t loop = emit({Kind::Split});
      out.program[loop].target = lastCopy;
      out.program[loop].other = here();
    }
    for (int32_t split : splits) {
      out.program[split].target = split + 1;
      out.program[split].other = here();
    }
  }

  void parseInterval(uint32_t &low, uint32_t &high) {
    size_t end = pattern.find('}', pos);
    std::string_view inside = end == std::string_view::npos ? "" : pattern.substr(pos + 1, end - pos - 1);
    size_t comma = inside.find(',');
    auto number = [&](std::string_view digits, uint32_t otherwise) {
      uint32_t value = 0;
      for (char digit : digits) {
        if (digit < '0' || digit > '9' || value > 1000)
          refuse("the interval {" + std::string(inside) + "}");
        value = value * 10 + (digit - '0');
      }
      return digits.empty() ? otherwise : value;
    };
    if (inside.empty() || inside == ",")
      refuse("'{' that begins no interval");
    low = number(inside.substr(0, comma), 0);
    high = comma == std::string_view::npos ? low : number(inside.substr(comma + 1), UINT32_MAX);
    if (low > high || high == 0)
      refuse("the interval {" + std::string(inside) + "}");
    pos = end + 1;
  }

  size_t atom(bool ignoreCase, char32_t &letter) {
    if (take("(?:") || (looksAt("(") && !looksAt("(?") && take("(")))
      return group(ignoreCase);
    if (take("(?i:"))
      return group(true);
    if (looksAt("(?!") || looksAt("(?=")) {
      int32_t look = emit({Kind::Look});
      out.program[look].negative = looksAt("(?!");
      pos += 3;
      group(ignoreCase);
      emit({Kind::Match});
      out.program[look].target = here();
      return 0;
    }
    if (looksAt("("))
      refuse("the group '" + std::string(pattern.substr(pos, 4)) + "'");
    if (looksAt("*") || looksAt("+") || looksAt("?") || looksAt("^") || looksAt("$") || looksAt("{") || looksAt("]") ||
        looksAt("}"))
      refuse(std::string("'") + pattern[pos] + "' here");
    CharacterSet set;
    if (take(".")) {
      set.ranges.push_back({'\n', '\n'});
      set.negated = true;
    } else if (take("[")) {
      parseClass(set, ignoreCase);
    } else if (looksAt("\\")) {
      if (auto c = escape(set))
        addLetter(set, letter = *c, ignoreCase);
    } else {
      addLetter(set, letter = nextCodePoint(pattern, pos), ignoreCase);
    }
    set.finish();
    if (ignoreCase && letter < 128 && letter >= 'A' && letter <= 'Z')
      letter += 'a' - 'A';
    out.sets.push_back(std::move(set));
    Regex::Instruction instruction{Kind::Set};
    instruction.set = static_cast<int32_t>(out.sets.size()) - 1;
    emit(instruction);
    return 1;
  }

  size_t group(bool ignoreCase) {
    size_t least = alternation(ignoreCase);
    if (!take(")"))
      refuse("'(' without ')'");
    return least;
  }

  void addLetter(CharacterSet &set, char32_t c, bool ignoreCase) {
    set.ranges.push_back({c, c});
    if (!ignoreCase)
      return;
    if (c >= 128)
      refuse("a letter outside ASCII under (?i:");
    char32_t lower = c | 0x20;
    if (lower < 'a' || lower > 'z')
      return;
    set.ranges.push_back({c ^ 0x20, c ^ 0x20});
    if (lower == 's')
      set.ranges.push_back({0x17F, 0x17F}); // long s
    if (lower == 'k')
      set.ranges.push_back({0x212A, 0x212A}); // the sign of kelvin
  }

  void parseClass(CharacterSet &set, bool ignoreCase) {
    set.negated = take("^");
    bool any = false;
    while (!take("]")) {
      if (atEnd())
        refuse("'[' without ']'");
      if (looksAt("[") || looksAt("&&"))
        refuse("a class inside a class");
      std::optional<char32_t> first = looksAt("\\") ? escape(set) : nextCodePoint(pattern, pos);
      any = true;
      if (!first)
        continue;
      if (looksAt("-") && !looksAt("-]")) {
        ++pos;
        if (atEnd() || looksAt("["))
          refuse("this range");
        std::optional<char32_t> last = looksAt("\\") ? escape(set) : nextCodePoint(pattern, pos);
        if (!last || *last < *first || ignoreCase)
          refuse("this range");
        set.ranges.push_back({*first, *last});
      } else {
        addLetter(set, *first, ignoreCase);
      }
    }
    if (!any)
      refuse("an empty class");
  }

  /// Reads what follows a backslash: one character, or a class that is added to the set.
  std::optional<char32_t> escape(CharacterSet &set) {
    if (pos + 1 == pattern.size())
      refuse("'\\' at the end");
    char kind = pattern[pos + 1];
    size_t begin = pos;
    pos += 2;
    switch (kind) {
    case 's':
      set.spaces = true;
      return std::nullopt;
    case 'S':
      set.nonSpaces = true;
      return std::nullopt;
    case 'd':
      set.categories |= categoriesNamed("Nd");
      return std::nullopt;
    case 'D':
      set.excluded.push_back(categoriesNamed("Nd"));
      return std::nullopt;
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'x':
      return looksAt("{") ? hexadecimal(pattern.find('}', pos), 1) : hexadecimal(pos + 2, 0);
    case 'u':
      return hexadecimal(pos + 4, 0);
    case 'p':
    case 'P': {
      size_t end = pattern.find('}', pos);
      bool negative = kind == 'P';
      if (take("{") && end != std::string_view::npos) {
        negative ^= take("^");
        if (CategoryMask mask = categoriesNamed(pattern.substr(pos, end - pos))) {
          pos = end + 1;
          negative ? set.excluded.push_back(mask) : void(set.categories |= mask);
          return std::nullopt;
        }
      }
      pos = begin;
      refuse("the property '" +
             std::string(pattern.substr(begin, end == std::string_view::npos ? 2 : end - begin + 1)) + "'");
    }
    default:
      bool alphanumeric = (kind >= '0' && kind <= '9') || ((kind | 0x20) >= 'a' && (kind | 0x20) <= 'z');
      pos = begin;
      if (alphanumeric || static_cast<unsigned char>(kind) >= 128)
        refuse("the escape '" + std::string(pattern.substr(begin, 2)) + "'");
      pos += 2;
      return kind;
    }
  }

  /// Digits from pos (behind a brace, if there is one) up to end.
  char32_t hexadecimal(size_t end, size_t brace) {
    char32_t value = 0;
    if (end == std::string_view::npos || end > pattern.size() || end == pos + brace || end - pos > 8)
      refuse("this hexadecimal escape");
    for (size_t i = pos + brace; i < end; ++i) {
      char c = pattern[i];
      int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
      if (digit < 0)
        refuse("this hexadecimal escape");
      value = value << 4 | digit;
    }
    pos = end + brace;
    return value;
  }

  std::string_view pattern;
  Regex &out;
  size_t pos = 0;
  int depth = 0;
};

Regex::Regex(std::string_view pattern) {
  if (auto offset = findInvalidUtf8(pattern))
    fail("regular expression: invalid UTF-8 at byte {}", *offset);
  RegexParser parser(pattern, *this);
}

} // namespace qfa::rt
