// Text to ids and back, for the three kinds of tokenizer file that come with LLaMA-like models.
#ifndef QFA_RUNTIME_TEXT_TOKENIZER_H
#define QFA_RUNTIME_TEXT_TOKENIZER_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qfa::rt {

/// Every method may be called from several threads at once.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  /// The ids of text. Ill-formed UTF-8 is read as U+FFFD. addSpecial: with what the file puts around a text, e.g. BOS.
  std::vector<int32_t> encode(std::string_view text, bool addSpecial = true) const;

  /// The text of ids, always well-formed UTF-8. Throws Error for an id outside the vocabulary.
  std::string decode(std::span<const int32_t> ids, bool skipSpecial = true) const;

  /// One more than the largest id.
  int32_t vocabSize() const { return static_cast<int32_t>(vocabulary.size()); }
  std::optional<int32_t> bosId() const { return bos; }
  std::optional<int32_t> eosId() const { return eos; }
  /// Whether encode(text, true) begins with BOS.
  bool addsBos() const { return bos && !prefix.empty() && prefix.front() == *bos; }

  struct SpecialToken {
    int32_t id;
    std::string text;
  };
  std::vector<SpecialToken> specialTokens() const;
  /// Ids that end a generation: EOS, and special tokens with the name of another end mark.
  std::vector<int32_t> stopIds() const;

protected:
  /// What one id stands for.
  struct Piece {
    std::string bytes;    ///< its contribution to decoded text; need not be whole characters
    std::string name;     ///< as the file writes it
    bool special = false; ///< left out of decoded text
  };

  /// Appends the ids of valid UTF-8, without prefix and suffix.
  virtual void encodeText(std::string_view text, std::vector<int32_t> &ids) const = 0;
  /// Fills bos and eos by the usual names of such tokens, where they are not set yet.
  void guessSpecialIds();

  std::vector<Piece> vocabulary; // by id
  // One more than the largest id of a piece; tokens added to those may lie outside a model that never saw them.
  int32_t modelPieces = 0;
  std::vector<int32_t> prefix, suffix; // what stands around a text
  std::optional<int32_t> bos, eos;
  bool stripsLeadingSpace = false;  // decoded text loses the space that encoding put in front
  bool spacesBetweenPieces = false; // a tokenizer.json without a decoder

  friend class StreamDecoder;
  friend std::unique_ptr<Tokenizer> openTokenizer(const std::filesystem::path &, int64_t);
};

/// Decodes ids one at a time, as a model generates them; never emits part of a UTF-8 sequence.
class StreamDecoder {
public:
  explicit StreamDecoder(const Tokenizer &tokenizer, bool skipSpecial = true)
      : tokenizer(tokenizer), skipSpecial(skipSpecial) {}

  /// The text that id completes, often all of its own, sometimes nothing.
  std::string push(int32_t id);
  /// What is left: U+FFFD for the beginning of a sequence that never ended.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  bool skipSpecial;
  bool atStart = true, first = true;
  std::string pending; // the beginning of a UTF-8 sequence
};

/// Opens a tokenizer.json (byte-pair encoding), a sentencepiece .model or a llama2.c tokenizer .bin; which, its content
/// tells. vocabSizeHint: the size of the model's vocabulary, 0 where unknown. Throws Error: missing, malformed or
/// unsupported file, or one that has more pieces than the model.
std::unique_ptr<Tokenizer> openTokenizer(const std::filesystem::path &path, int64_t vocabSizeHint = 0);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_TOKENIZER_H
