// The "model" of a tokenizer.json: byte-pair encoding of one word.
#ifndef QFA_RUNTIME_TEXT_BPEMODEL_H
#define QFA_RUNTIME_TEXT_BPEMODEL_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "text/Merges.h"

namespace qfa::rt {

/// Lookup of std::string keys by std::string_view.
struct StringHash : std::hash<std::string_view> {
  using is_transparent = void;
};
template <typename Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// The bytes that a string of the byte-level alphabet stands for (a printable character for each byte); false where a
/// character is not of this alphabet.
bool bytesOfByteLevel(std::string_view text, std::string &bytes);

/// Ids from here on are refused: tables are made as long as the largest id says.
constexpr int32_t kMostIds = 1 << 22;

class BpeModel {
public:
  /// byteLevel: words come as raw bytes, and the pieces of the vocabulary are translated to bytes.
  /// Throws Error for another model type, and for merges whose parts are not in the vocabulary.
  BpeModel(const nlohmann::json &description, bool byteLevel);

  /// The ids of every word after another. Thread-safe: each call borrows a word cache of its own.
  void encode(const std::vector<std::string_view> &words, std::vector<int32_t> &ids) const;

  /// Pieces as the file writes them.
  const StringMap<int32_t> &pieces() const { return names; }

private:
  struct Cache {
    struct Entry {
      uint32_t begin, count;
    };
    StringMap<Entry> words;
    std::vector<int32_t> ids;
  };

  void readMerges(const nlohmann::json &merges);
  void encodeWord(std::string_view word, std::vector<int32_t> &symbols) const;
  int32_t find(std::string_view piece) const;

  StringMap<int32_t> names;
  StringMap<int32_t> byBytes; // only where byteLevel
  int32_t byteIds[256];       // of single bytes (byteLevel) or of <0x00>..<0xFF>; -1 where absent
  Merges merges;
  bool byteLevel, byteFallback, fuseUnknown, ignoreMerges;
  int32_t unknown = -1;

  mutable std::mutex idleLock;
  mutable std::vector<std::unique_ptr<Cache>> idle;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_BPEMODEL_H
