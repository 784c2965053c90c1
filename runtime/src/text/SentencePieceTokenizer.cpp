// A sentencepiece .model, through the sentencepiece library.
#include <sentencepiece_processor.h>

#include "support/Error.h"
#include "text/TokenizerKinds.h"

namespace qfa::rt {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

class SentencePieceTokenizer final : public Tokenizer {
public:
  explicit SentencePieceTokenizer(std::string_view content) {
    auto status = processor.LoadFromSerializedProto(absl::string_view(content.data(), content.size()));
    if (!status.ok())
      fail("neither a tokenizer.json, nor a llama2.c tokenizer, nor a sentencepiece model");
    modelPieces = processor.GetPieceSize();
    for (int32_t id = 0; id < modelPieces; ++id)
      vocabulary.push_back(readPiece(id));
    if (processor.bos_id() >= 0) {
      bos = processor.bos_id();
      prefix = {*bos};
    }
    if (processor.eos_id() >= 0)
      eos = processor.eos_id();
    guessSpecialIds();
    // Whether the model puts a space in front of a text shows in what it makes of one that has none.
    std::vector<std::string> pieces;
    stripsLeadingSpace = processor.Encode("a", &pieces).ok() && !pieces.empty() && pieces[0].starts_with(kSpaceMark);
  }

protected:
  void encodeText(std::string_view text, std::vector<int32_t> &ids) const override {
    std::vector<int> found;
    auto status = processor.Encode(absl::string_view(text.data(), text.size()), &found);
    if (!status.ok())
      fail("sentencepiece: {}", status.ToString());
    ids.insert(ids.end(), found.begin(), found.end());
  }

private:
  Piece readPiece(int32_t id) const {
    Piece piece{"", processor.IdToPiece(id), processor.IsControl(id)};
    if (processor.IsUnknown(id)) {
      piece.bytes = " \u2047 ";
    } else if (processor.IsByte(id)) {
      piece.bytes = std::string(1, static_cast<char>(std::stoi(piece.name.substr(3, 2), nullptr, 16)));
    } else {
      piece.bytes = piece.name;
      for (size_t at; (at = piece.bytes.find(kSpaceMark)) != piece.bytes.npos;)
        piece.bytes.replace(at, kSpaceMark.size(), " ");
    }
    return piece;
  }

  sentencepiece::SentencePieceProcessor processor;
};

} // namespace

std::unique_ptr<Tokenizer> makeSentencePieceTokenizer(std::string_view content) {
  return std::make_unique<SentencePieceTokenizer>(content);
}

} // namespace qfa::rt
