// What all tokenizers share: decoding, the names of special tokens, and telling the kinds of file apart.
#include "text/Tokenizer.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "support/Error.h"
#include "text/TokenizerKinds.h"
#include "text/Utf8.h"

namespace qfa::rt {
namespace {

// The names that published models give these tokens; the first that a vocabulary has counts.
constexpr const char *kBosNames[] = {"<s>",  "<|begin_of_text|>", "<bos>", "<|startoftext|>", "<|start_story|>",
                                     "[BOS]"};
constexpr const char *kEosNames[] = {"</s>",          "<|end_of_text|>", "<eos>", "<|endoftext|>",
                                     "<|end_story|>", "<|im_end|>",      "[EOS]", "<|eot_id|>"};

std::string readWhole(const std::filesystem::path &path) {
  if (std::filesystem::is_directory(path))
    fail("tokenizer '{}' is a folder, wanted a file", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail("tokenizer '{}' cannot be opened", path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool addSpecial) const {
  std::vector<int32_t> ids;
  if (addSpecial)
    ids = prefix;
  if (findInvalidUtf8(text))
    encodeText(replaceInvalidUtf8(text), ids);
  else
    encodeText(text, ids);
  if (addSpecial)
    ids.insert(ids.end(), suffix.begin(), suffix.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skipSpecial) const {
  StreamDecoder decoder(*this, skipSpecial);
  std::string text;
  for (int32_t id : ids)
    text += decoder.push(id);
  return text += decoder.finish();
}

std::vector<Tokenizer::SpecialToken> Tokenizer::specialTokens() const {
  std::vector<SpecialToken> result;
  for (int32_t id = 0; id < vocabSize(); ++id)
    if (vocabulary[id].special)
      result.push_back({id, vocabulary[id].name});
  return result;
}

std::vector<int32_t> Tokenizer::stopIds() const {
  std::vector<int32_t> result;
  for (const SpecialToken &token : specialTokens())
    if (token.id == eos || std::find(std::begin(kEosNames), std::end(kEosNames), token.text) != std::end(kEosNames))
      result.push_back(token.id);
  return result;
}

void Tokenizer::guessSpecialIds() {
  std::vector<SpecialToken> tokens = specialTokens();
  auto guess = [&](auto &names, std::optional<int32_t> &id) {
    for (const char *name : names)
      for (const SpecialToken &token : tokens)
        if (!id && token.text == name)
          id = token.id;
  };
  guess(kBosNames, bos);
  guess(kEosNames, eos);
}

std::string StreamDecoder::push(int32_t id) {
  if (id < 0 || id >= tokenizer.vocabSize())
    fail("token id {} is outside the tokenizer's vocabulary of {}", id, tokenizer.vocabSize());
  const Tokenizer::Piece &piece = tokenizer.vocabulary[id];
  if (skipSpecial && piece.special)
    return "";
  if (tokenizer.spacesBetweenPieces && !first)
    pending += ' ';
  first = false;
  pending += piece.special ? piece.name : piece.bytes;
  if (tokenizer.stripsLeadingSpace && atStart && pending.starts_with(' '))
    pending.erase(0, 1);
  atStart = atStart && pending.empty() && piece.bytes.empty();

  std::string text;
  size_t pos = 0;
  while (pos < pending.size()) {
    Utf8Step step = stepUtf8(pending, pos);
    if (step.kind == Utf8Step::Incomplete)
      break;
    appendUtf8(text, step.codePoint);
    pos += step.length;
  }
  pending.erase(0, pos);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = pending.empty() ? "" : "\xEF\xBF\xBD";
  pending.clear();
  atStart = first = true;
  return text;
}

std::unique_ptr<Tokenizer> openTokenizer(const std::filesystem::path &path, int64_t vocabSizeHint) {
  std::string content = readWhole(path);
  if (content.empty())
    fail("tokenizer '{}' is empty", path.string());
  size_t begin = content.find_first_not_of(" \t\r\n");
  std::unique_ptr<Tokenizer> tokenizer;
  try {
    if (begin != content.npos && content[begin] == '{')
      tokenizer = makeJsonTokenizer(content, path.parent_path());
    else if (!(tokenizer = makeLlama2cTokenizer(content)))
      tokenizer = makeSentencePieceTokenizer(content);
  } catch (const Error &error) {
    fail("tokenizer '{}': {}", path.string(), error.what());
  }
  if (vocabSizeHint > 0 && tokenizer->modelPieces > vocabSizeHint)
    fail("tokenizer '{}' has {} pieces, but the model's vocabulary holds {}: it belongs to another model",
         path.string(), tokenizer->modelPieces, vocabSizeHint);
  return tokenizer;
}

} // namespace qfa::rt
