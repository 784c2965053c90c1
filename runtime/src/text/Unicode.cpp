// Looks up the generated tables, and composes text canonically (Unicode Standard Annex 15).
#include "text/Unicode.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "text/Utf8.h"

namespace qfa::rt {
namespace {

#include "text/UnicodeTables.inc"

constexpr char32_t kLimit = 0x110000;
// Hangul syllables are composed by arithmetic.
constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTrails = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTrailCount = 28, kSyllableCount = 11172;

/// One byte per code point, unpacked from runs on first use.
template <size_t N>
std::vector<uint8_t> unpackRuns(const uint32_t (&runs)[N]) {
  std::vector<uint8_t> values(kLimit);
  for (size_t i = 0; i < N; ++i)
    std::fill(values.begin() + (runs[i] >> 8), i + 1 < N ? values.begin() + (runs[i + 1] >> 8) : values.end(),
              runs[i] & 0xFF);
  return values;
}

uint8_t combiningClass(char32_t codePoint) {
  static const std::vector<uint8_t> classes = unpackRuns(kCombiningRuns);
  return codePoint < kLimit ? classes[codePoint] : 0;
}

struct Canonical {
  std::unordered_map<char32_t, std::pair<char32_t, char32_t>> parts;
  std::unordered_map<uint64_t, char32_t> composite;
};

uint64_t pairKey(char32_t first, char32_t second) { return static_cast<uint64_t>(first) << 32 | second; }

const Canonical &canonical() {
  static const Canonical tables = [] {
    Canonical result;
    for (auto &[code, first, second] : kDecompositionsOnly)
      result.parts[code] = {first, second};
    for (auto &[code, first, second] : kCompositions) {
      result.parts[code] = {first, second};
      result.composite[pairKey(first, second)] = code;
    }
    return result;
  }();
  return tables;
}

void decompose(char32_t code, std::u32string &out) {
  if (code - kSyllables < kSyllableCount) {
    char32_t index = code - kSyllables, trail = index % kTrailCount;
    out.push_back(kLeads + index / (kVowelCount * kTrailCount));
    out.push_back(kVowels + index / kTrailCount % kVowelCount);
    if (trail)
      out.push_back(kTrails + trail);
    return;
  }
  auto found = canonical().parts.find(code);
  if (found == canonical().parts.end())
    return out.push_back(code);
  decompose(found->second.first, out);
  if (found->second.second)
    decompose(found->second.second, out);
}

/// The composite of two code points, or 0.
char32_t composePair(char32_t first, char32_t second) {
  if (first - kLeads < kLeadCount && second - kVowels < kVowelCount)
    return kSyllables + ((first - kLeads) * kVowelCount + second - kVowels) * kTrailCount;
  if (first - kSyllables < kSyllableCount && (first - kSyllables) % kTrailCount == 0 && second > kTrails &&
      second < kTrails + kTrailCount)
    return first + second - kTrails;
  auto found = canonical().composite.find(pairKey(first, second));
  return found == canonical().composite.end() ? 0 : found->second;
}

/// Puts each run of marks into the order of their classes, equal ones staying in place.
void orderMarks(std::u32string &text) {
  for (size_t begin = 0; begin < text.size();) {
    if (combiningClass(text[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < text.size() && combiningClass(text[end]) != 0)
      ++end;
    std::vector<std::pair<uint64_t, char32_t>> marks; // class and place: a stable order
    for (size_t i = begin; i < end; ++i)
      marks.push_back({static_cast<uint64_t>(combiningClass(text[i])) << 32 | (i - begin), text[i]});
    std::sort(marks.begin(), marks.end());
    for (size_t i = begin; i < end; ++i)
      text[i] = marks[i - begin].second;
    begin = end;
  }
}

std::u32string compose(const std::u32string &text) {
  std::u32string out;
  size_t starter = std::u32string::npos; // position in out of the last code point of class 0
  for (char32_t code : text) {
    uint8_t ownClass = combiningClass(code);
    bool adjacent = !out.empty() && starter == out.size() - 1;
    // A mark is blocked from its starter by one of the same or a higher class, a starter by anything in between.
    bool blocked = starter == std::u32string::npos || (!adjacent && combiningClass(out.back()) >= ownClass);
    if (!blocked)
      if (char32_t whole = composePair(out[starter], code)) {
        out[starter] = whole;
        continue;
      }
    if (ownClass == 0)
      starter = out.size();
    out.push_back(code);
  }
  return out;
}

} // namespace

CategoryMask categoryBit(char32_t codePoint) {
  static const std::vector<uint8_t> categories = unpackRuns(kCategoryRuns);
  return codePoint < kLimit ? CategoryMask(1) << categories[codePoint] : 0;
}

CategoryMask categoriesNamed(std::string_view name) {
  CategoryMask mask = 0;
  if (name.empty() || name.size() > 2)
    return 0;
  for (size_t i = 0; i < std::size(kCategoryNames); ++i)
    if (std::string_view(kCategoryNames[i]).substr(0, name.size()) == name)
      mask |= CategoryMask(1) << i;
  return mask;
}

bool isSpace(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isNumeric(char32_t c) {
  static const CategoryMask numbers = categoriesNamed("N");
  // Numbers of Unicode 17: the digits of Tolong Siki and three of Tangut's neighbours.
  return (categoryBit(c) & numbers) || (c >= 0x11DE0 && c <= 0x11DE9) || (c >= 0x16FF4 && c <= 0x16FF6);
}

bool isWordCharacter(char32_t c) {
  static const CategoryMask words = categoriesNamed("L") | categoriesNamed("M") | categoriesNamed("Nd") |
                                    categoriesNamed("Nl") | categoriesNamed("Pc");
  bool circledLetter = (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                       (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
  return (categoryBit(c) & words) || circledLetter || c == 0x200C || c == 0x200D;
}

std::string normalizeNfc(std::string_view text) {
  // Everything below U+0300, whose first byte is 0xCC, is composed already.
  if (std::none_of(text.begin(), text.end(), [](unsigned char byte) { return byte >= 0xCC; }))
    return std::string(text);
  std::u32string points;
  for (size_t pos = 0; pos < text.size();)
    decompose(nextCodePoint(text, pos), points);
  orderMarks(points);
  std::string result;
  result.reserve(text.size());
  for (char32_t code : compose(points))
    appendUtf8(result, code);
  return result;
}

} // namespace qfa::rt
