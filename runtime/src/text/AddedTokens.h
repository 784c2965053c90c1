// The "added_tokens" of a tokenizer.json: texts that stand for one id wherever they occur, found before anything else.
#ifndef QFA_RUNTIME_TEXT_ADDEDTOKENS_H
#define QFA_RUNTIME_TEXT_ADDEDTOKENS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace qfa::rt {

struct AddedToken {
  std::string text;
  int32_t id;
  bool special = false;
  bool singleWord = false; ///< counts only where no word character is next to it
  bool lstrip = false;     ///< takes the white space in front along
  bool rstrip = false;     ///< takes the white space behind along
  bool normalized = false; ///< is looked for in normalized text
};

/// Finds a set of tokens in text: the leftmost, and there the longest.
class AddedTokenFinder {
public:
  void add(const AddedToken &token);

  /// A part of the text that is one token, or (id -1) text between tokens. No part is empty.
  struct Part {
    std::string_view text;
    int32_t id;
  };
  std::vector<Part> split(std::string_view text) const;

private:
  const AddedToken *longestAt(std::string_view text, size_t pos) const;

  std::vector<AddedToken> tokens;                              // in their order
  std::unordered_map<unsigned char, std::vector<int>> byFirst; // indices by first byte, longest text first
  std::string firstBytes;                                      // the keys of byFirst
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_ADDEDTOKENS_H
