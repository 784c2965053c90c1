// A llama2.c tokenizer: pieces with scores, joined greedily by score; the twin of a sentencepiece model without its
// header.
#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "text/BpeModel.h"
#include "text/Merges.h"
#include "text/TokenizerKinds.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

constexpr int32_t kUnknown = 0, kBos = 1, kEos = 2, kFirstByte = 3, kFirstLearned = kFirstByte + 256;

struct ScoredPiece {
  float score;
  std::string text;
};

/// int32 longest, then for each piece float32 score, int32 length and the bytes, all little-endian; nothing where it
/// does not fit.
std::vector<ScoredPiece> readPieces(std::string_view content) {
  size_t pos = 0;
  auto read = [&](auto &value) {
    if (content.size() - pos < sizeof value)
      return false;
    std::memcpy(&value, content.data() + pos, sizeof value);
    pos += sizeof value;
    return true;
  };
  int32_t longest = 0;
  std::vector<ScoredPiece> pieces;
  if (!read(longest) || longest < 1 || longest > (1 << 16))
    return {};
  while (pos < content.size()) {
    ScoredPiece piece;
    int32_t length = 0;
    // The special pieces may be longer than the longest learned one.
    if (!read(piece.score) || !read(length) || length < 0 || length > (1 << 16) ||
        content.size() - pos < size_t(length))
      return {};
    piece.text = content.substr(pos, length);
    pos += length;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

class Llama2cTokenizer final : public Tokenizer {
public:
  explicit Llama2cTokenizer(std::vector<ScoredPiece> pieces) {
    hasBytes = pieces.size() >= kFirstLearned && pieces[kFirstByte].text == "<0x00>";
    int32_t firstLearned = hasBytes ? kFirstLearned : kFirstByte;
    modelPieces = static_cast<int32_t>(pieces.size());
    for (int32_t id = 0; id < modelPieces; ++id) {
      Piece piece{pieces[id].text, pieces[id].text, id == kBos || id == kEos};
      if (id == kUnknown)
        piece.bytes = " \u2047 ";
      else if (id < firstLearned && id >= kFirstByte)
        piece.bytes = std::string(1, static_cast<char>(id - kFirstByte));
      else if (id >= firstLearned) {
        ids.emplace(piece.bytes, id);
        joinsSpaces &= piece.bytes.find("  ") == std::string::npos;
      }
      vocabulary.push_back(std::move(piece));
    }
    vocabulary[kBos].name = "<s>";
    vocabulary[kEos].name = "</s>";
    bos = kBos, eos = kEos;
    prefix = {kBos};
    stripsLeadingSpace = true;
    readMerges(pieces, firstLearned);
  }

protected:
  void encodeText(std::string_view text, std::vector<int32_t> &out) const override {
    std::vector<int32_t> symbols;
    std::string spaced = spaceOut(text);
    for (size_t pos = 0, begin = 0; pos < spaced.size(); begin = pos) {
      nextCodePoint(spaced, pos);
      std::string_view character = std::string_view(spaced).substr(begin, pos - begin);
      if (auto found = ids.find(character); found != ids.end())
        symbols.push_back(found->second);
      else if (hasBytes)
        for (unsigned char byte : character)
          symbols.push_back(kFirstByte + byte);
      else if (symbols.empty() || symbols.back() != kUnknown)
        symbols.push_back(kUnknown);
    }
    merges.apply(symbols);
    out.insert(out.end(), symbols.begin(), symbols.end());
  }

private:
  /// What sentencepiece's normalizer makes of text: a space in front; runs of spaces joined where the model wants that.
  std::string spaceOut(std::string_view text) const {
    if (joinsSpaces)
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty())
      return "";
    std::string spaced = " ";
    bool afterSpace = joinsSpaces;
    for (size_t pos = 0, begin = 0; pos < text.size(); begin = pos) {
      // Sentencepiece writes spaces as U+2581 and so cannot tell the two apart; its twin should not either.
      char32_t c = nextCodePoint(text, pos);
      if (c == 0x2581)
        spaced.push_back(' ');
      else if (c != ' ' || !afterSpace)
        spaced.append(text, begin, pos - begin);
      afterSpace = joinsSpaces && c == ' ';
    }
    if (joinsSpaces)
      spaced.erase(spaced.find_last_not_of(' ') + 1);
    return spaced;
  }

  /// Every way to put a piece together from two others is a merge; pieces of equal score share a rank.
  void readMerges(const std::vector<ScoredPiece> &pieces, int32_t firstLearned) {
    std::vector<float> scores;
    for (const ScoredPiece &piece : pieces)
      scores.push_back(-piece.score);
    std::sort(scores.begin(), scores.end());
    for (int32_t id = firstLearned; id < modelPieces; ++id) {
      std::string_view text = pieces[id].text;
      if (ids.find(text)->second != id)
        continue;
      uint32_t rank = std::lower_bound(scores.begin(), scores.end(), -pieces[id].score) - scores.begin();
      for (size_t cut = 1; cut < text.size(); ++cut) {
        auto left = ids.find(text.substr(0, cut)), right = ids.find(text.substr(cut));
        if (left != ids.end() && right != ids.end())
          merges.add(left->second, right->second, rank, id);
      }
    }
  }

  StringMap<int32_t> ids; // of learned pieces
  Merges merges;
  bool hasBytes = false;
  // The file does not say whether its twin joins runs of spaces. A vocabulary that was learned from such text shows it:
  // no piece has two spaces in a row.
  bool joinsSpaces = true;
};

} // namespace

std::unique_ptr<Tokenizer> makeLlama2cTokenizer(std::string_view content) {
  std::vector<ScoredPiece> pieces = readPieces(content);
  if (pieces.size() <= kFirstByte)
    return nullptr;
  return std::make_unique<Llama2cTokenizer>(std::move(pieces));
}

} // namespace qfa::rt
