// Pre-tokenizers of tokenizer.json.
#include "text/PreTokenizer.h"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Normalizer.h"
#include "text/Regex.h"
#include "text/Unicode.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

using nlohmann::json;
using Views = std::vector<std::string_view>;

// What ByteLevel cuts by: English contractions, and letters, numbers or others, each with a space in front.
constexpr const char *kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

enum class Behavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

Behavior readBehavior(const std::string &name) {
  static const std::pair<const char *, Behavior> names[] = {{"Removed", Behavior::Removed},
                                                            {"Isolated", Behavior::Isolated},
                                                            {"MergedWithPrevious", Behavior::MergedWithPrevious},
                                                            {"MergedWithNext", Behavior::MergedWithNext},
                                                            {"Contiguous", Behavior::Contiguous}};
  for (auto &[known, behavior] : names)
    if (name == known)
      return behavior;
  fail("split behavior '{}' is not known", name);
}

/// Text between matches and the matches, in order; none is empty.
struct Part {
  size_t begin, end;
  bool match;
};

std::vector<Part> partsOf(std::string_view text, const PatternMatches &matches, bool invert) {
  std::vector<Part> parts;
  size_t done = 0;
  auto add = [&](size_t begin, size_t end, bool match) {
    if (begin < end)
      parts.push_back({begin, end, match != invert});
  };
  for (auto [begin, end] : matches) {
    add(done, begin, false);
    add(begin, end, true);
    done = end;
  }
  add(done, text.size(), false);
  return parts;
}

void splitBy(Behavior behavior, std::string_view text, const std::vector<Part> &parts, Views &out) {
  std::vector<Part> joined; // match: whether the last part that went in was one
  size_t n = parts.size();
  for (size_t i = 0; i < n; ++i) {
    const Part &part = parts[behavior == Behavior::MergedWithNext ? n - 1 - i : i];
    bool toPrevious = !joined.empty() && part.match && !joined.back().match && behavior == Behavior::MergedWithPrevious;
    bool toNext = !joined.empty() && part.match && !joined.back().match && behavior == Behavior::MergedWithNext;
    bool same = !joined.empty() && part.match == joined.back().match && behavior == Behavior::Contiguous;
    if (behavior == Behavior::Removed && part.match)
      continue;
    if (toPrevious || same)
      joined.back().end = part.end;
    else if (toNext)
      joined.back().begin = part.begin;
    else
      joined.push_back(part);
    joined.back().match = part.match;
  }
  if (behavior == Behavior::MergedWithNext)
    std::reverse(joined.begin(), joined.end());
  for (const Part &part : joined)
    out.push_back(text.substr(part.begin, part.end - part.begin));
}

PatternMatches numericMatches(std::string_view text, bool individual) {
  PatternMatches matches;
  for (size_t pos = 0, begin = 0; pos < text.size(); begin = pos) {
    if (!isNumeric(nextCodePoint(text, pos)))
      continue;
    if (!individual && !matches.empty() && matches.back().second == begin)
      matches.back().second = pos;
    else
      matches.push_back({begin, pos});
  }
  return matches;
}

} // namespace

PreTokenizer::PreTokenizer(const json &description) { read(description); }

void PreTokenizer::read(const json &description) {
  if (description.is_null())
    return;
  if (bytes)
    fail("pre-tokenizer ByteLevel is followed by another one, wanted it last");
  std::string type = description.at("type");
  if (type == "Sequence") {
    for (const json &part : description.at("pretokenizers"))
      read(part);
  } else if (type == "ByteLevel") {
    bytes = true;
    if (description.value("add_prefix_space", true))
      steps.push_back([](std::string_view word, Words &words, Views &out) {
        out.push_back(word.starts_with(' ') ? word : words.storage.emplace_back(" " + std::string(word)));
      });
    if (description.value("use_regex", true))
      steps.push_back([regex = std::make_shared<const Regex>(kByteLevelPattern)](std::string_view word, Words &,
                                                                                 Views &out) {
        // Every character is in some match of this pattern.
        regex->forEachMatch(word, [&](size_t begin, size_t end) { out.push_back(word.substr(begin, end - begin)); });
      });
  } else if (type == "Split") {
    steps.push_back([matches = readPattern(description.at("pattern")),
                     behavior = readBehavior(description.at("behavior")),
                     invert = description.value("invert", false)](std::string_view word, Words &, Views &out) {
      splitBy(behavior, word, partsOf(word, matches(word), invert), out);
    });
  } else if (type == "Digits") {
    steps.push_back(
        [individual = description.value("individual_digits", false)](std::string_view word, Words &, Views &out) {
          splitBy(Behavior::Isolated, word, partsOf(word, numericMatches(word, individual), false), out);
        });
  } else {
    fail("pre-tokenizer of type '{}' is not supported, only ByteLevel, Split, Digits and Sequence", type);
  }
}

void PreTokenizer::split(Words &words) const {
  for (const Step &step : steps) {
    Views parts;
    parts.reserve(words.views.size() * 2);
    for (std::string_view word : words.views)
      step(word, words, parts);
    words.views = std::move(parts);
  }
}

} // namespace qfa::rt
