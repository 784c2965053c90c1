// A Hugging Face tokenizer.json: added tokens, normalizer, pre-tokenizer, BPE model, post-processor and decoder.
#include <fstream>

#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/AddedTokens.h"
#include "text/BpeModel.h"
#include "text/Normalizer.h"
#include "text/PreTokenizer.h"
#include "text/TokenizerKinds.h"

namespace qfa::rt {
namespace {

using nlohmann::json;

/// The parts of a tokenizer.json may be absent or null alike.
const json &part(const json &file, const char *key) {
  static const json null;
  auto found = file.find(key);
  return found == file.end() ? null : *found;
}

class JsonTokenizer final : public Tokenizer {
public:
  JsonTokenizer(const json &file, const std::filesystem::path &folder)
      : normalizer(part(file, "normalizer")), preTokenizer(part(file, "pre_tokenizer")),
        model(file.at("model"), preTokenizer.byteLevel()) {
    readAddedTokens(part(file, "added_tokens"));
    readPieces();
    readPostProcessor(part(file, "post_processor"));
    readDecoder(part(file, "decoder"), true);
    finishPieces();
    readConfig(folder / "tokenizer_config.json");
    if (!bos && !prefix.empty())
      bos = prefix.front();
    if (!eos && !suffix.empty())
      eos = suffix.back();
    guessSpecialIds();
  }

protected:
  void encodeText(std::string_view text, std::vector<int32_t> &ids) const override {
    for (auto &[raw, rawId] : rawTokens.split(text)) {
      if (rawId >= 0) {
        ids.push_back(rawId);
        continue;
      }
      std::string normalText = normalizer.empty() ? "" : normalizer.normalize(std::string(raw));
      for (auto &[piece, id] : normalTokens.split(normalizer.empty() ? raw : normalText)) {
        if (id >= 0) {
          ids.push_back(id);
          continue;
        }
        Words words;
        words.views.push_back(piece);
        preTokenizer.split(words);
        model.encode(words.views, ids);
      }
    }
  }

private:
  void readAddedTokens(const json &list) {
    for (const json &entry : list) {
      AddedToken token{entry.at("content"), entry.at("id")};
      token.special = entry.value("special", false);
      token.singleWord = entry.value("single_word", false);
      token.lstrip = entry.value("lstrip", false);
      token.rstrip = entry.value("rstrip", false);
      token.normalized = entry.value("normalized", !token.special);
      if (auto known = model.pieces().find(token.text); known != model.pieces().end())
        token.id = known->second;
      if (token.id < 0 || token.id >= kMostIds)
        fail("added token '{}' has id {}, wanted 0 to {}", token.text, token.id, kMostIds - 1);
      added.push_back(token);
    }
    // Special tokens come first where two have the same text.
    for (bool special : {true, false})
      for (AddedToken token : added)
        if (token.special == special) {
          if (token.normalized)
            token.text = normalizer.normalize(token.text);
          (token.normalized ? normalTokens : rawTokens).add(token);
        }
  }

  Piece &pieceAt(int32_t id) {
    if (static_cast<size_t>(id) >= vocabulary.size())
      vocabulary.resize(id + 1);
    return vocabulary[id];
  }

  void readPieces() {
    for (auto &[name, id] : model.pieces())
      pieceAt(id).name = name;
    modelPieces = vocabSize();
    for (const AddedToken &token : added) {
      pieceAt(token.id).name = token.text;
      pieceAt(token.id).special = token.special;
    }
  }

  void readPostProcessor(const json &description) {
    if (description.is_null())
      return;
    std::string type = description.at("type");
    if (type == "Sequence") {
      for (const json &processor : description.at("processors"))
        readPostProcessor(processor);
    } else if (type == "TemplateProcessing") {
      bool behind = false;
      std::vector<int32_t> before, after;
      for (const json &item : description.at("single")) {
        if (item.contains("Sequence")) {
          behind = true;
          continue;
        }
        const std::string &name = item.at("SpecialToken").at("id").get_ref<const std::string &>();
        for (const json &id : description.at("special_tokens").at(name).at("ids"))
          (behind ? after : before).push_back(id);
      }
      prefix.insert(prefix.begin(), before.begin(), before.end());
      suffix.insert(suffix.end(), after.begin(), after.end());
    } else if (type != "ByteLevel") { // which changes offsets only
      fail("post-processor of type '{}' is not supported, only TemplateProcessing, ByteLevel and Sequence", type);
    }
  }

  /// outermost: not a member of a sequence.
  void readDecoder(const json &description, bool outermost) {
    if (description.is_null()) {
      spacesBetweenPieces = true;
      return;
    }
    std::string type = description.at("type");
    if (type == "Sequence" && outermost) {
      for (const json &decoder : description.at("decoders"))
        readDecoder(decoder, false);
    } else if (type == "ByteLevel") {
      decodesByteLevel = true;
    } else if (type == "ByteFallback") {
      decodesBytes = true;
    } else if (type == "Fuse") {
      fused = true;
    } else if (type == "Replace" && !fused) {
      replacements.push_back(description); // written as the normalizer of that name
    } else if (type == "Strip" && fused && description.value("content", "") == " " &&
               description.value("start", 0) == 1 && description.value("stop", 0) == 0) {
      stripsLeadingSpace = true;
    } else {
      fail("decoder {} is not supported here, only ByteLevel, or a Sequence of Replace, ByteFallback, Fuse and a Strip "
           "of "
           "one leading space",
           description.dump());
    }
  }

  /// Fills what each piece decodes to.
  void finishPieces() {
    std::vector<Normalizer> replace;
    for (const json &replacement : replacements)
      replace.emplace_back(replacement);
    for (Piece &piece : vocabulary) {
      std::string text = piece.name;
      unsigned byte = 0;
      int end = 0;
      if (decodesByteLevel && bytesOfByteLevel(piece.name, text))
        piece.bytes = text;
      else if (decodesBytes && text.size() == 6 && std::sscanf(text.c_str(), "<0x%2X>%n", &byte, &end) == 1 && end == 6)
        piece.bytes = std::string(1, static_cast<char>(byte));
      else {
        piece.bytes = piece.name;
        for (const Normalizer &step : replace)
          piece.bytes = step.normalize(piece.bytes);
      }
    }
  }

  /// The file beside tokenizer.json may name BOS and EOS, as text or as an added token.
  void readConfig(const std::filesystem::path &path) {
    std::ifstream file(path);
    if (!file)
      return;
    json config = json::parse(file, nullptr, false);
    auto find = [&](const char *key, std::optional<int32_t> &id) {
      if (!config.is_object() || !config.contains(key))
        return;
      const json &token = config[key].is_object() ? part(config[key], "content") : config[key];
      for (int32_t i = 0; token.is_string() && i < vocabSize(); ++i)
        if (vocabulary[i].name == token.get_ref<const std::string &>())
          id = i;
    };
    find("bos_token", bos);
    find("eos_token", eos);
  }

  Normalizer normalizer;
  PreTokenizer preTokenizer;
  BpeModel model;
  std::vector<AddedToken> added;
  AddedTokenFinder rawTokens, normalTokens;
  bool decodesByteLevel = false, decodesBytes = false, fused = false;
  std::vector<json> replacements;
};

} // namespace

std::unique_ptr<Tokenizer> makeJsonTokenizer(std::string_view content, const std::filesystem::path &folder) {
  try {
    json file = json::parse(content);
    if (!file.contains("model"))
      fail("no \"model\" in the JSON file, wanted a Hugging Face tokenizer.json");
    return std::make_unique<JsonTokenizer>(file, folder);
  } catch (const json::exception &error) {
    fail("{}", error.what());
  }
}

} // namespace qfa::rt
