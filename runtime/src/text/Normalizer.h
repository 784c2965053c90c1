// The "normalizer" of a tokenizer.json: what is done to text before it is split.
#ifndef QFA_RUNTIME_TEXT_NORMALIZER_H
#define QFA_RUNTIME_TEXT_NORMALIZER_H

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace qfa::rt {

class Normalizer {
public:
  /// Knows NFC, Prepend, Replace, Sequence and null; throws Error that names any other type.
  explicit Normalizer(const nlohmann::json &description);

  bool empty() const { return steps.empty(); }
  std::string normalize(std::string text) const;

private:
  void read(const nlohmann::json &description);

  std::vector<std::function<std::string(std::string)>> steps;
};

/// A tokenizer.json pattern, {"String": s} or {"Regex": r}: the matches in text as {begin, end}, none of them empty.
using PatternMatches = std::vector<std::pair<size_t, size_t>>;
std::function<PatternMatches(std::string_view)> readPattern(const nlohmann::json &description);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_NORMALIZER_H
