// Normalizers of tokenizer.json, and the patterns that they share with pre-tokenizers.
#include "text/Normalizer.h"

#include <memory>

#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Regex.h"
#include "text/Unicode.h"

namespace qfa::rt {

using nlohmann::json;

std::function<PatternMatches(std::string_view)> readPattern(const json &description) {
  if (description.contains("String"))
    return [wanted = description["String"].get<std::string>()](std::string_view text) {
      PatternMatches matches;
      if (!wanted.empty())
        for (size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + wanted.size()))
          matches.push_back({at, at + wanted.size()});
      return matches;
    };
  if (!description.contains("Regex"))
    fail("pattern {}: wanted \"String\" or \"Regex\"", description.dump());
  auto regex = std::make_shared<const Regex>(description["Regex"].get<std::string>());
  return [regex](std::string_view text) {
    PatternMatches matches;
    regex->forEachMatch(text, [&](size_t begin, size_t end) { matches.push_back({begin, end}); });
    return matches;
  };
}

Normalizer::Normalizer(const json &description) { read(description); }

void Normalizer::read(const json &description) {
  if (description.is_null())
    return;
  std::string type = description.at("type");
  if (type == "Sequence") {
    for (const json &part : description.at("normalizers"))
      read(part);
  } else if (type == "NFC") {
    steps.push_back([](const std::string &text) { return normalizeNfc(text); });
  } else if (type == "Prepend") {
    steps.push_back([prefix = description.at("prepend").get<std::string>()](const std::string &text) {
      return text.empty() ? text : prefix + text;
    });
  } else if (type == "Replace") {
    steps.push_back([matches = readPattern(description.at("pattern")),
                     content = description.at("content").get<std::string>()](const std::string &text) {
      std::string result;
      size_t done = 0;
      for (auto [begin, end] : matches(text)) {
        result.append(text, done, begin - done).append(content);
        done = end;
      }
      return result.append(text, done);
    });
  } else {
    fail("normalizer of type '{}' is not supported, only NFC, Prepend, Replace and Sequence", type);
  }
}

std::string Normalizer::normalize(std::string text) const {
  for (const auto &step : steps)
    text = step(std::move(text));
  return text;
}

} // namespace qfa::rt
