// Data files to batches: formats, packings, the split, the order of samples, and what is refused.
#include "text/Dataset.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "TextFiles.h"
#include "text/Documents.h"

using namespace qfa::rt;
using Ids = std::vector<int32_t>;
using Packing = DataOptions::Packing;

namespace {

constexpr int kBos = 261, kEos = 262, kNone = kIgnoredLabel;

struct DatasetTest : TextTest {
  void SetUp() override {
    TextTest::SetUp();
    nlohmann::json file = byteLevelJson();
    file["post_processor"] = bosTemplate();
    tokenizer = open(file);
    options.sequenceLength = 4;
    options.validationFraction = 0;
  }

  Dataset load(const std::vector<std::string> &paths) const { return Dataset::open(paths, *tokenizer, options); }
  std::string refusal(const std::vector<std::string> &paths) const {
    return errorOf([&] { load(paths); });
  }

  std::unique_ptr<Tokenizer> tokenizer;
  DataOptions options;
};

std::string numbered(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "story " + std::to_string(i) + "\n<|endoftext|>\n";
  return text;
}

std::string firstIdsText(const SampleSet &set, const Tokenizer &tokenizer) {
  std::string text;
  for (int64_t i = 0; i < set.size(); ++i)
    text += tokenizer.decode(set.inOrder(i, 1).ids) + ";";
  return text;
}

} // namespace

TEST_F(DatasetTest, packsPlainTextIntoWindows) {
  // <s> a b </s> <s> c </s>: 7 ids, one window of 4 and no room for another
  Dataset data = load({write("t.txt", "ab\n<|endoftext|>\nc\n")});
  EXPECT_EQ(data.packing(), Packing::Packed);
  ASSERT_EQ(data.train().size(), 1);
  Batch batch = data.train().inOrder(0, 1);
  EXPECT_EQ(batch.ids, (Ids{kBos, 'a', 'b', kEos}));
  EXPECT_EQ(batch.labels, (Ids{'a', 'b', kEos, kNone})); // BOS is not learned
  EXPECT_EQ(batch.labelCount, 3);
}

TEST_F(DatasetTest, documentsBeginSamples) {
  options.packing = Packing::Documents;
  Dataset data = load({write("t.txt", "abcdef\n<|endoftext|>\nc\n")});
  ASSERT_EQ(data.train().size(), 3);
  Batch batch = data.train().inOrder(0, 4);
  EXPECT_EQ(batch.ids, (Ids{kBos, 'a', 'b', 'c', 'd', 'e', 'f', 0, kBos, 'c', 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(batch.labels,
            (Ids{'a', 'b', 'c', 'd', 'e', 'f', kEos, kNone, 'c', kEos, kNone, kNone, kNone, kNone, kNone, kNone}));
  EXPECT_EQ(batch.labelCount, 9);
}

TEST_F(DatasetTest, separatorsAreLinesOfTheirOwn) {
  auto documents = [&](const std::string &text) { return load({write("t.txt", text)}).train().documentCount(); };
  EXPECT_EQ(documents("aaaa\n</s>\nbbbb\r\n<|endoftext|> \r\n\n<|endoftext|>\ncccc"), 3);
  EXPECT_EQ(documents("aaaa <|endoftext|> bbbb\n"), 1);
  options.documentSeparator = "%";
  EXPECT_EQ(documents("aaaa\n%\nbbbb\n<|endoftext|>\n"), 2);
  options.documentSeparator = "";
  EXPECT_EQ(documents("aaaa\n%\nbbbb\n<|endoftext|>\n"), 1);
}

TEST_F(DatasetTest, aTextsOwnBeginMarkIsNotDoubled) {
  options.packing = Packing::Documents;
  EXPECT_EQ(load({write("t.txt", "<s>abc</s>")}).train().inOrder(0, 1).ids, (Ids{kBos, 'a', 'b', 'c'}));
}

TEST_F(DatasetTest, promptsAreReadNotLearned) {
  options.sequenceLength = 8;
  // the pieces reach across the border: "hell" + "o" is one id, which counts as answer
  Dataset data = load({write("d.jsonl", R"({"prompt": "x", "completion": "yz"})"
                                        "\n\n"
                                        R"({"prompt": "x hell", "completion": "o"})"
                                        "\n"
                                        R"({"text": "ab"})")});
  EXPECT_EQ(data.packing(), Packing::Documents);
  ASSERT_EQ(data.train().size(), 3);
  Batch batch = data.train().inOrder(0, 3);
  auto labels = [&](int row) { return Ids(batch.labels.begin() + row * 8, batch.labels.begin() + row * 8 + 5); };
  EXPECT_EQ(labels(0), (Ids{kNone, 'y', 'z', kEos, kNone}));
  EXPECT_EQ(labels(1), (Ids{kNone, kNone, 259, kEos, kNone}));
  EXPECT_EQ(labels(2), (Ids{'a', 'b', kEos, kNone, kNone}));
}

TEST_F(DatasetTest, piecesOfPromptOnlyAreLeftOut) {
  options.sequenceLength = 2; // <s> x x | x y | y </s>: the first window has no label
  Dataset data = load({write("d.jsonl", R"({"prompt": "xxxx", "completion": "y"})")});
  ASSERT_EQ(data.train().size(), 1);
  EXPECT_EQ(data.train().inOrder(0, 1).labels, (Ids{'y', kEos}));
}

TEST_F(DatasetTest, alpacaLearnsTheAnswer) {
  options.sequenceLength = 600;
  Dataset data = load({write("a.json", R"([{"instruction": "Add.", "input": "1 1", "output": "2"},
                                           {"instruction": "Hi", "input": "", "output": "Ho"}])")});
  ASSERT_EQ(data.train().size(), 2);
  Batch batch = data.train().inOrder(0, 2);
  EXPECT_EQ(batch.labelCount, 2 + 3);
  std::string text = tokenizer->decode(Ids(batch.ids.begin(), batch.ids.begin() + 600));
  EXPECT_EQ(text.substr(0, text.find('\0')), alpacaPrompt("Add.", "1 1") + "2");
  EXPECT_NE(alpacaPrompt("Add.", "1 1").find("### Instruction:\nAdd.\n\n### Input:\n1 1\n\n### Response:"),
            std::string::npos);
  EXPECT_EQ(alpacaPrompt("Hi", "").find("Input"), std::string::npos);
}

TEST_F(DatasetTest, splitsByDocument) {
  options.packing = Packing::Documents;
  options.sequenceLength = 16;
  options.validationFraction = 0.1;
  std::string path = write("t.txt", numbered(100));
  Dataset data = load({path}), again = load({path});
  EXPECT_EQ(data.train().documentCount(), 90);
  EXPECT_EQ(data.validation().documentCount(), 10);
  EXPECT_EQ(firstIdsText(data.validation(), *tokenizer), firstIdsText(again.validation(), *tokenizer));
  std::string train = firstIdsText(data.train(), *tokenizer);
  for (int64_t i = 0; i < 10; ++i) {
    std::string story = tokenizer->decode(data.validation().inOrder(i, 1).ids);
    EXPECT_EQ(train.find(story), std::string::npos);
  }
  options.seed = 1;
  EXPECT_NE(firstIdsText(data.validation(), *tokenizer), firstIdsText(load({path}).validation(), *tokenizer));
}

TEST_F(DatasetTest, fewPlainDocumentsGiveTheirEnds) {
  options.validationFraction = 0.25;
  Dataset data = load({write("t.txt", "abcdefghijklmnopqr")}); // with BOS and EOS 20 ids
  EXPECT_EQ(data.train().tokenCount(), 15);
  EXPECT_EQ(data.validation().tokenCount(), 5);
  EXPECT_EQ(data.validation().inOrder(0, 1).ids, (Ids{'o', 'p', 'q', 'r'}));
}

TEST_F(DatasetTest, aFileForValidation) {
  options.validationPaths = {write("v.txt", "xyz")};
  options.validationFraction = 0.5;
  Dataset data = load({write("t.txt", "abcdefgh")});
  EXPECT_EQ(data.train().tokenCount(), 10);
  EXPECT_EQ(data.validation().inOrder(0, 1).ids, (Ids{kBos, 'x', 'y', 'z'}));
}

TEST_F(DatasetTest, readsFoldersAndPatterns) {
  write("d/b.txt", "bbbb");
  write("d/sub/c.txt", "cccc");
  write("d/.hidden.txt", "\xFF");
  write("d/archive.bin", "\xFF");
  options.packing = Packing::Documents;
  EXPECT_EQ(firstIdsText(load({(folder / "d").string()}).train(), *tokenizer).substr(0, 3), "bbb");
  EXPECT_EQ(load({(folder / "d").string()}).train().documentCount(), 2);
  EXPECT_EQ(load({(folder / "d/*.t?t").string()}).train().documentCount(), 1);
}

TEST(BatchOrder, readsEverySampleOnceAnEpoch) {
  for (int64_t count : {1, 2, 3, 7, 64, 1000}) {
    BatchOrder order{count, 1, 1, 42};
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<int64_t> seen;
      for (int64_t step = 0; step < count; ++step)
        seen.insert(order.sampleOf(epoch * count + step, 0, 0));
      EXPECT_EQ(seen.size(), static_cast<size_t>(count));
      EXPECT_EQ(*seen.rbegin(), count - 1);
    }
  }
}

TEST(BatchOrder, ordersDifferByEpochAndSeed) {
  auto epoch = [](uint64_t seed, int64_t number) {
    BatchOrder order{100, 1, 1, seed};
    std::vector<int64_t> samples;
    for (int64_t i = 0; i < 100; ++i)
      samples.push_back(order.sampleOf(number * 100 + i, 0, 0));
    return samples;
  };
  EXPECT_EQ(epoch(1, 0), epoch(1, 0));
  EXPECT_NE(epoch(1, 0), epoch(1, 1));
  EXPECT_NE(epoch(1, 0), epoch(2, 0));
  EXPECT_FALSE(std::is_sorted(epoch(1, 0).begin(), epoch(1, 0).end()));
}

TEST(BatchOrder, ranksAndMicrobatchesShareTheWork) {
  std::vector<int64_t> seen;
  for (int64_t rank = 0; rank < 2; ++rank) {
    BatchOrder order{24, 2, 3, 5, rank, 2};
    for (int64_t step = 0; step < 2; ++step)
      for (int64_t microbatch = 0; microbatch < 3; ++microbatch)
        for (int64_t row = 0; row < 2; ++row)
          seen.push_back(order.sampleOf(step, microbatch, row));
  }
  std::sort(seen.begin(), seen.end());
  std::vector<int64_t> all(24);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(seen, all);
  EXPECT_EQ((BatchOrder{24, 2, 3, 5, 0, 2}.epochsBefore(2)), 1.0);
}

TEST_F(DatasetTest, refusesNamesWithoutFiles) {
  EXPECT_EQ(refusal({"/none/x.txt"}), "data file '/none/x.txt' does not exist");
  EXPECT_EQ(refusal({"/none/*.txt"}), "no data file matches '/none/*.txt'");
  std::filesystem::create_directories(folder / "empty");
  EXPECT_EQ(refusal({(folder / "empty").string()}),
            "data folder '" + (folder / "empty").string() + "' holds no .txt, .text, .json or .jsonl file");
}

TEST_F(DatasetTest, refusesEmptyAndShortData) {
  std::string path = write("t.txt", " \n<|endoftext|>\n");
  EXPECT_EQ(refusal({path}), "data file '" + path + "' holds no text");
  EXPECT_NE(refusal({write("e.json", "[ {} ]")}).find("found the keys (none)"), std::string::npos);
  options.sequenceLength = 8;
  EXPECT_EQ(refusal({write("t.txt", "abc")}),
            "data holds 5 tokens for training, wanted at least 9 for one window of sequence length 8");
  options.validationPaths = {write("v.txt", "x")};
  options.packing = Packing::Documents;
  EXPECT_EQ(load({write("t.txt", "abc")}).validation().size(), 1);
}

TEST_F(DatasetTest, refusesRowsByFileAndLine) {
  std::string good = "{\"text\": \"a\"}\n";
  std::string path = write("d.jsonl", good + "{\"text\": \n");
  EXPECT_EQ(refusal({path}), path + ":2: invalid JSON at byte 10");
  path = write("d.jsonl", good + good + "{\"input\": 1, \"label\": 2}\n");
  EXPECT_EQ(refusal({path}),
            path + ":3: found the keys input, label; wanted prompt and completion, or text, or instruction and output");
  path = write("d.jsonl", "{\"text\": 5}\n");
  EXPECT_EQ(refusal({path}), path + ":1: \"text\" is number, wanted a string");
  path = write("d.jsonl", good + "[1]\n");
  EXPECT_EQ(refusal({path}), path + ":2: found array, wanted an object");
  path = write("a.json", "[{\"instruction\": \"a\"}]");
  EXPECT_EQ(refusal({path}), "data file '" + path +
                                 "', row 1: found the keys instruction; wanted prompt and completion, or text, or "
                                 "instruction and output");
  path = write("a.json", "[{\"instruction\": }]");
  EXPECT_EQ(refusal({path}), "data file '" + path + "': invalid JSON at byte 18");
}

TEST_F(DatasetTest, refusesInvalidUtf8AndForeignIds) {
  std::string path = write("t.txt", "abc\x80");
  EXPECT_EQ(refusal({path}), "data file '" + path + "': invalid UTF-8 at byte 3");
  options.modelVocabSize = 100;
  path = write("t.txt", "abcdefgh");
  EXPECT_EQ(refusal({path}), "data file '" + path +
                                 "': token id 261 is outside the model's vocabulary of 100; the tokenizer has 263 ids "
                                 "and belongs to another model");
}

TEST_F(DatasetTest, refusesWrongOptions) {
  EXPECT_EQ(errorOf([] { parsePacking("tight"); }), "packing 'tight', wanted auto, documents or packed");
  EXPECT_EQ(parsePacking("packed"), Packing::Packed);
  options.validationFraction = 1;
  EXPECT_EQ(refusal({}), "validation fraction 1, wanted 0 or more and less than 1");
  options.sequenceLength = 0;
  EXPECT_EQ(refusal({}), "sequence length 0, wanted at least 1");
}
