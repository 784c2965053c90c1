// The regular expressions of tokenizer.json: what they match, and what is refused.
#include "text/Regex.h"

#include <gtest/gtest.h>

#include "support/Error.h"

using namespace qfa::rt;

namespace {

/// All matches, joined by '|'.
std::string matches(const std::string &pattern, const std::string &text) {
  std::string out;
  Regex(pattern).forEachMatch(
      text, [&](size_t begin, size_t end) { out += (out.empty() ? "" : "|") + text.substr(begin, end - begin); });
  return out;
}

std::string refusal(const std::string &pattern) {
  try {
    Regex regex(pattern);
  } catch (const Error &error) {
    return error.what();
  }
  return "accepted";
}

} // namespace

TEST(Regex, takesTheFirstAlternativeThatFits) {
  EXPECT_EQ(matches("a|ab", "ab"), "a");
  EXPECT_EQ(matches("(?:a|ab)c", "abc ac"), "abc|ac");
  EXPECT_EQ(matches("x|(y|z)w|q", "x zw yw q y"), "x|zw|yw|q");
}

TEST(Regex, backtracksFromGreedyRepetition) {
  EXPECT_EQ(matches("a*ab", "aaab"), "aaab");
  EXPECT_EQ(matches("é+éx", "éééx"), "éééx");
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s+)", "a   b"), "  | ");
  EXPECT_EQ(matches("a++ab|b", "aaab"), "b"); // possessive: gives nothing back
}

TEST(Regex, countsIntervals) {
  EXPECT_EQ(matches(R"(\p{N}{1,3})", "1234567"), "123|456|7");
  EXPECT_EQ(matches("a{2}", "aaaaa"), "aa|aa");
  EXPECT_EQ(matches("a{2,}b", "ab aab aaab"), "aab|aaab");
  EXPECT_EQ(matches("(?:ab){2,3}", "abababababx"), "ababab|abab");
  EXPECT_EQ(matches("(?:ab|c)*d", "d abcd"), "d|abcd");
  EXPECT_EQ(matches("(?:ab|c)+d", "d abcd"), "abcd");
  EXPECT_EQ(matches("x(?:ab)?y", "xy xaby"), "xy|xaby");
}

TEST(Regex, knowsCategoriesAndClasses) {
  EXPECT_EQ(matches(R"(\p{L}+)", "aé日1ß"), "aé日|ß");
  EXPECT_EQ(matches(R"([^\s\p{L}\p{N}]+)", "a!? 1…b"), "!?|…");
  EXPECT_EQ(matches(R"([\p{Lu}x-z]+)", "aBxÉyw"), "BxÉy");
  EXPECT_EQ(matches(R"(\P{L}+|\p{^N}x)", "a12ax"), "12|ax");
  EXPECT_EQ(matches(R"(\d+|\D)", "1٣½"), "1٣|½");
  EXPECT_EQ(matches(R"([\x41\x{e9}\u00df-])", "Aéß-b"), "A|é|ß|-");
  EXPECT_EQ(matches(".+", "ab\ncd"), "ab|cd");
}

TEST(Regex, ignoresCaseInsideItsGroupOnly) { EXPECT_EQ(matches("(?i:'s|'ll)|x", "'S 'lL X x 'ſ"), "'S|'lL|x|'ſ"); }

TEST(Regex, survivesALongText) {
  std::string text(200000, 'a');
  EXPECT_EQ(matches("(?:aa)+b|a+", text), text);
}

TEST(Regex, namesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal("a+?"), "regular expression 'a+?': a lazy quantifier at offset 2 is not supported");
  EXPECT_EQ(refusal(R"(\w+)"), R"(regular expression '\w+': the escape '\w' at offset 0 is not supported)");
  EXPECT_EQ(refusal(R"(x\p{Han})"),
            R"(regular expression 'x\p{Han}': the property '\p{Han}' at offset 1 is not supported)");
  for (const char *pattern :
       {"(?<=a)b", "^a",     "a$",   "[[:alpha:]]", "[a&&b]",  "(a",     "a)",
        "[a",      "a{2,1}", "a{x}", "*a",          "(?:a*)*", "(?i:é)", "(?i:ss)",
        "\\",      "[z-a]",  "a**",  "(?:ab)++",    "\\x",     "[]",     "(?:(?:ab){1000}){1000}"})
    EXPECT_NE(refusal(pattern).find("is not supported"), std::string::npos) << pattern;
}
