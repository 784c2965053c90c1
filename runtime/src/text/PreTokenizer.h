// The "pre_tokenizer" of a tokenizer.json: cuts text into the words that byte-pair merges never cross.
#ifndef QFA_RUNTIME_TEXT_PRETOKENIZER_H
#define QFA_RUNTIME_TEXT_PRETOKENIZER_H

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace qfa::rt {

/// Words in their order; those that a pre-tokenizer changed (a space in front) live in storage.
struct Words {
  std::vector<std::string_view> views;
  std::deque<std::string> storage;
};

class PreTokenizer {
public:
  /// Knows ByteLevel, Split, Digits, Sequence and null; throws Error that names any other type.
  explicit PreTokenizer(const nlohmann::json &description);

  /// Whether the words are to be encoded as bytes. A ByteLevel is last, so the bytes of a word stand for its byte
  /// characters.
  bool byteLevel() const { return bytes; }

  /// Cuts every word of words further. text of the views: valid UTF-8.
  void split(Words &words) const;

private:
  using Step = std::function<void(std::string_view, Words &, std::vector<std::string_view> &)>;
  void read(const nlohmann::json &description);

  std::vector<Step> steps; // appends the parts of one word
  bool bytes = false;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_PRETOKENIZER_H
