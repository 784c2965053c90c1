// What the text tests share: a folder for small files, tokenizers written by hand, and a check of an error's words.
#ifndef QFA_TEST_UNIT_TEXT_TEXTFILES_H
#define QFA_TEST_UNIT_TEXT_TEXTFILES_H

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/Error.h"
#include "text/Tokenizer.h"

namespace qfa::rt {

/// A folder that is removed with the test.
class TextTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "qfa-text-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, const std::string &content) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << content;
    return (folder / name).string();
  }

  std::unique_ptr<Tokenizer> open(const nlohmann::json &tokenizer, int64_t vocabSizeHint = 0) const {
    return openTokenizer(write("tokenizer.json", tokenizer.dump()), vocabSizeHint);
  }

  std::filesystem::path folder;
};

/// Runs code that must throw an Error, and returns its text.
template <typename Code>
std::string errorOf(Code &&code) {
  try {
    code();
  } catch (const Error &error) {
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

/// Byte-level BPE: ids 0..255 are the bytes, then "he", "ll", "hell", "hello", " w"; specials <s> 261 and </s> 262.
inline nlohmann::json byteLevelJson() {
  using nlohmann::json;
  json vocab = json::object();
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    int c = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD) ? byte : next++;
    std::string name = c < 0x80 ? std::string(1, char(c)) : std::string{char(0xC0 | c >> 6), char(0x80 | (c & 0x3F))};
    vocab[name] = byte;
  }
  vocab.update({{"he", 256}, {"ll", 257}, {"hell", 258}, {"hello", 259}, {"Ġw", 260}, {"<s>", 261}, {"</s>", 262}});
  auto added = [](int id, const char *text) {
    return json{{"id", id}, {"content", text}, {"special", true}, {"normalized", false}};
  };
  return {{"added_tokens", {added(261, "<s>"), added(262, "</s>")}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"h e", "l l", "he ll", "hell o", "Ġ w"}}}}};
}

/// A template that puts <s> in front.
inline nlohmann::json bosTemplate() {
  return {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {261}}}}}}};
}

/// A llama2.c tokenizer: <unk>, <s>, </s>, 256 bytes, then these pieces with falling scores.
inline std::string llama2cBytes(const std::vector<std::string> &learned) {
  std::string out;
  auto put = [&](auto value) { out.append(reinterpret_cast<const char *>(&value), sizeof value); };
  auto piece = [&](float score, const std::string &text) {
    put(score);
    put(static_cast<int32_t>(text.size()));
    out += text;
  };
  put(int32_t(8));
  for (const char *name : {"<unk>", "\n<s>\n", "\n</s>\n"})
    piece(0, name);
  for (int byte = 0; byte < 256; ++byte)
    piece(0, fmt::format("<0x{:02X}>", byte));
  for (size_t i = 0; i < learned.size(); ++i)
    piece(-static_cast<float>(i), learned[i]);
  return out;
}

} // namespace qfa::rt

#endif // QFA_TEST_UNIT_TEXT_TEXTFILES_H
