// Tokenizers of all three kinds, written by hand: ids, decoding, special tokens, and what is refused.
#include <thread>

#include "TextFiles.h"

using namespace qfa::rt;
using nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

struct TokenizerTest : TextTest {};

/// Pieces of one character over U+2581, without pre-tokenizer: merges reach across words.
json spaceMarkJson() {
  json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}};
  json back = {{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}};
  json strip = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
  json vocab = {{"<unk>", 0}, {"a", 1}, {"b", 2}, {"▁", 3}, {"a▁", 4}, {"a▁b", 5}, {"<0xC3>", 6}, {"<0xA9>", 7}};
  return {
      {"normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}, {"prepend", "▁"}}, replace}}}},
      {"decoder", {{"type", "Sequence"}, {"decoders", {back, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}, strip}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", json::array({json::array({"a", "▁"}), json::array({"a▁", "b"})})}}}};
}

} // namespace

TEST_F(TokenizerTest, byteLevelMergesByRankInsideWords) {
  auto tokenizer = open(byteLevelJson());
  EXPECT_EQ(tokenizer->encode("hello wo"), (Ids{259, 260, 'o'}));
  EXPECT_EQ(tokenizer->encode("hel lo"), (Ids{256, 'l', ' ', 'l', 'o'})); // "ll" would cross words
  EXPECT_EQ(tokenizer->encode("é\n"), (Ids{0xC3, 0xA9, '\n'}));
  EXPECT_EQ(tokenizer->encode(""), Ids{});
  EXPECT_EQ(tokenizer->encode("\xFF"), (Ids{0xEF, 0xBF, 0xBD}));
  EXPECT_EQ(tokenizer->vocabSize(), 263);
}

TEST_F(TokenizerTest, ignoreMergesPrefersWholeWords) {
  json file = byteLevelJson();
  file["model"]["merges"] = json::array();
  EXPECT_EQ(open(file)->encode("hello"), (Ids{'h', 'e', 'l', 'l', 'o'}));
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(open(file)->encode("hello"), (Ids{259}));
}

TEST_F(TokenizerTest, splitsByPatternAndDigits) {
  json file = byteLevelJson();
  json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "e(?=l)"}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
  EXPECT_EQ(open(file)->encode("hello"), (Ids{256, 257, 'o'})); // he|llo
  split["behavior"] = "Removed";
  file["pre_tokenizer"]["pretokenizers"][0] = split;
  EXPECT_EQ(open(file)->encode("hello"), (Ids{'h', 257, 'o'}));
  file["model"]["vocab"].update({{"12", 300}});
  file["model"]["merges"].push_back("1 2");
  file["pre_tokenizer"]["pretokenizers"][0] = {{"type", "Digits"}, {"individual_digits", true}};
  EXPECT_EQ(open(file)->encode("12"), (Ids{'1', '2'}));
  file["pre_tokenizer"]["pretokenizers"][0]["individual_digits"] = false;
  EXPECT_EQ(open(file)->encode("12"), (Ids{300}));
}

TEST_F(TokenizerTest, addedTokensComeFirst) {
  json file = byteLevelJson();
  auto add = [&](int id, const char *text, const char *flag) {
    json token = {{"id", id}, {"content", text}, {"special", false}, {"normalized", false}};
    token[flag] = true;
    file["added_tokens"].push_back(token);
  };
  add(300, "LEFT", "lstrip");
  add(301, "RIGHT", "rstrip");
  add(302, "word", "single_word");
  add(303, "LEFTMOST", "x");
  auto tokenizer = open(file);
  EXPECT_EQ(tokenizer->encode("a \n LEFT b"), (Ids{'a', 300, ' ', 'b'}));
  EXPECT_EQ(tokenizer->encode("a RIGHT  b"), (Ids{'a', ' ', 301, 'b'}));
  EXPECT_EQ(tokenizer->encode("word-words"), (Ids{302, '-', 'w', 'o', 'r', 'd', 's'}));
  EXPECT_EQ(tokenizer->encode("LEFTMOST<s>"), (Ids{303, 261}));
  EXPECT_EQ(tokenizer->vocabSize(), 304);
}

TEST_F(TokenizerTest, namesItsSpecialTokens) {
  json file = byteLevelJson();
  auto plain = open(file);
  EXPECT_EQ(plain->bosId(), 261);
  EXPECT_EQ(plain->eosId(), 262);
  EXPECT_FALSE(plain->addsBos());
  ASSERT_EQ(plain->specialTokens().size(), 2u);
  EXPECT_EQ(plain->specialTokens()[1].text, "</s>");
  EXPECT_EQ(plain->stopIds(), Ids{262});

  file["post_processor"] = {{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}, bosTemplate()}}};
  auto framed = open(file);
  EXPECT_TRUE(framed->addsBos());
  EXPECT_EQ(framed->encode("o"), (Ids{261, 'o'}));
  EXPECT_EQ(framed->encode("o", false), (Ids{'o'}));

  write("tokenizer_config.json", R"({"bos_token": null, "eos_token": {"content": "<s>"}})");
  EXPECT_EQ(open(file)->eosId(), 261);
}

TEST_F(TokenizerTest, mergesAcrossWordsAndFallsBackToBytes) {
  auto tokenizer = open(spaceMarkJson());
  EXPECT_EQ(tokenizer->encode("a b"), (Ids{3, 5}));
  EXPECT_EQ(tokenizer->encode("é"), (Ids{3, 6, 7}));
  EXPECT_EQ(tokenizer->encode("xyb"), (Ids{3, 0, 2})); // unknown ones in a row become one
  EXPECT_EQ(tokenizer->decode(Ids{3, 5, 6, 7}), "a bé");
  EXPECT_EQ(tokenizer->decode(Ids{3, 3, 1}), " a"); // only one space goes
}

TEST_F(TokenizerTest, heapAndScanMergeAlike) {
  auto tokenizer = open(spaceMarkJson());
  std::string text = "a";
  Ids wanted = {3};
  for (int i = 0; i < 50000; ++i)
    text += " ba";
  Ids ids = tokenizer->encode(text);
  for (int i = 0; i < 50000; ++i)
    wanted.push_back(5);
  wanted.push_back(1);
  EXPECT_EQ(ids, wanted);
}

TEST_F(TokenizerTest, streamNeverSplitsACharacter) {
  auto tokenizer = open(byteLevelJson());
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push(0x9F), "");
  EXPECT_EQ(decoder.push(261), ""); // a special token in between shows nothing
  EXPECT_EQ(decoder.push(0x98), "");
  EXPECT_EQ(decoder.push(0x80), "😀");
  EXPECT_EQ(decoder.push(0xC3), "");
  EXPECT_EQ(decoder.push('b'), "\uFFFDb");
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(tokenizer->decode(Ids{261, 'a'}, false), "<s>a");
}

TEST_F(TokenizerTest, encodesFromSeveralThreads) {
  auto tokenizer = open(byteLevelJson());
  std::vector<std::thread> threads;
  std::vector<Ids> results(4);
  for (Ids &result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        result = tokenizer->encode("hello world " + std::to_string(i % 7));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const Ids &result : results)
    EXPECT_EQ(result, tokenizer->encode("hello world 3"));
}

TEST_F(TokenizerTest, llama2cMergesByScore) {
  // learned ids from 259: the higher score (earlier here) goes first, wherever it stands
  auto tokenizer = openTokenizer(write("t.bin", llama2cBytes({"bc", "ab", " a", " ", "a", "b", "c", "  "})));
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{1, 261, 259}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{1, 262, 260}));
  EXPECT_EQ(tokenizer->encode("é"), (Ids{1, 262, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(tokenizer->encode("a  b"), (Ids{1, 261, 266, 264}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("abcé a")), "abcé a");
  EXPECT_EQ(tokenizer->eosId(), 2);
}

TEST_F(TokenizerTest, llama2cJoinsSpacesUnlessItKnowsRuns) {
  auto tokenizer = openTokenizer(write("t.bin", llama2cBytes({" a", " ", "a"})));
  EXPECT_EQ(tokenizer->encode("  a   a "), (Ids{1, 259, 259}));
  EXPECT_EQ(tokenizer->encode("  "), (Ids{1}));
}

TEST_F(TokenizerTest, sentencepieceEqualsItsLlama2cTwin) {
  std::filesystem::path data = std::filesystem::path(QFA_SHARED_DIR) / "data/llama-stories260k";
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is absent";
  auto model = openTokenizer(data / "tok512.model", 512), twin = openTokenizer(data / "tok512.bin", 512);
  EXPECT_EQ(model->bosId(), 1);
  EXPECT_EQ(model->eosId(), 2);
  EXPECT_TRUE(model->addsBos());
  for (const char *text : {"Once upon a time", "  two  spaces ", "é日😀\n", "", "<s>"}) {
    EXPECT_EQ(model->encode(text), twin->encode(text)) << text;
    EXPECT_EQ(model->decode(model->encode(text)), twin->decode(twin->encode(text)));
  }
  EXPECT_EQ(model->decode(model->encode("Once upon é")), "Once upon é");
}

TEST_F(TokenizerTest, refusesWhatItCannotRead) {
  EXPECT_NE(errorOf([&] { openTokenizer(folder / "none.json"); }).find("none.json' cannot be opened"),
            std::string::npos);
  EXPECT_NE(errorOf([&] { openTokenizer(folder); }).find("is a folder, wanted a file"), std::string::npos);
  EXPECT_NE(errorOf([&] { openTokenizer(write("e", "")); }).find("e' is empty"), std::string::npos);
  EXPECT_NE(errorOf([&] { openTokenizer(write("g", "garbage")); }).find("neither a tokenizer.json, nor"),
            std::string::npos);
  EXPECT_NE(errorOf([&] { openTokenizer(write("j", "{\"a\":")); }).find("parse error"), std::string::npos);
  EXPECT_NE(errorOf([&] { openTokenizer(write("j", "{}")); }).find("no \"model\""), std::string::npos);
  EXPECT_NE(errorOf([&] { open(byteLevelJson(), 100); }).find("has 263 pieces, but the model's vocabulary holds 100"),
            std::string::npos);
  auto tokenizer = open(byteLevelJson());
  EXPECT_EQ(errorOf([&] { tokenizer->decode(Ids{263}); }), "token id 263 is outside the tokenizer's vocabulary of 263");
}

TEST_F(TokenizerTest, namesUnsupportedParts) {
  auto with = [&](const char *pointer, const json &value) {
    json file = byteLevelJson();
    file[json::json_pointer(pointer)] = value;
    return errorOf([&] { open(file); });
  };
  auto expect = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect(with("/model/type", "Unigram"), "model of type 'Unigram' is not supported, only BPE");
  expect(with("/model/type", "WordPiece"), "model of type 'WordPiece' is not supported");
  expect(with("/model/dropout", 0.1), "dropout 0.1 is not supported");
  expect(with("/model/end_of_word_suffix", "</w>"), "end_of_word_suffix '</w>' is not supported");
  expect(with("/model/unk_token", "<none>"), "unk_token '<none>' is not in the vocabulary");
  expect(with("/model/merges", {"h e", "he xx"}), "merge 1 of 'he' and 'xx': 'xx' is not in the vocabulary");
  expect(with("/model/merges", {"hello"}), "merge 0 'hello' is not two pieces");
  expect(with("/model/vocab/x", -4), "piece 'x' has id -4");
  expect(with("/normalizer", {{"type", "Lowercase"}}), "normalizer of type 'Lowercase' is not supported");
  expect(with("/pre_tokenizer", {{"type", "Metaspace"}}), "pre-tokenizer of type 'Metaspace' is not supported");
  expect(with("/post_processor", {{"type", "BertProcessing"}}),
         "post-processor of type 'BertProcessing' is not supported");
  expect(with("/decoder", {{"type", "WordPiece"}}), "decoder {\"type\":\"WordPiece\"} is not supported here");
  json split = {{"type", "Split"}, {"pattern", {{"Regex", "x"}}}, {"behavior", "Odd"}};
  expect(with("/pre_tokenizer", split), "split behavior 'Odd' is not known");
  split["pattern"] = json::object();
  expect(with("/pre_tokenizer", split), "wanted \"String\" or \"Regex\"");
  json bytes = {{"type", "ByteLevel"}};
  expect(with("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {bytes, bytes}}}), "wanted it last");
}
