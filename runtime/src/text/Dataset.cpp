// Tokenizes documents, splits them, cuts them into samples, and puts samples into batches.
#include "text/Dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/Error.h"
#include "support/Random.h"
#include "text/Documents.h"

namespace qfa::rt {
namespace {

constexpr size_t kFewDocuments = 20;

struct TokenizedDocument {
  std::vector<int32_t> ids;
  size_t promptLength = 0; // ids that are read, not learned
};

/// The ids of a document. The prompt ends where the ids of prompt and text part from those of the prompt alone, so that
/// the text is cut into the same pieces as anywhere else.
TokenizedDocument tokenize(const Document &document, const Tokenizer &tokenizer) {
  TokenizedDocument result;
  result.ids = tokenizer.encode(document.prompt + document.text);
  if (!document.prompt.empty()) {
    std::vector<int32_t> prompt = tokenizer.encode(document.prompt);
    result.promptLength =
        std::mismatch(prompt.begin(), prompt.end(), result.ids.begin(), result.ids.end()).first - prompt.begin();
  }
  // Text that brings its own begin mark should not have two.
  auto bos = tokenizer.bosId();
  if (tokenizer.addsBos() && result.ids.size() > 1 && result.ids[0] == bos && result.ids[1] == bos) {
    result.ids.erase(result.ids.begin());
    result.promptLength -= result.promptLength > 0;
  }
  if (auto eos = tokenizer.eosId(); eos && (result.ids.empty() || result.ids.back() != *eos))
    result.ids.push_back(*eos);
  return result;
}

} // namespace

class DatasetBuilder {
public:
  DatasetBuilder(const Tokenizer &tokenizer, const DataOptions &options) : tokenizer(tokenizer), options(options) {
    if (options.sequenceLength < 1)
      fail("sequence length {}, wanted at least 1", options.sequenceLength);
    if (!(options.validationFraction >= 0 && options.validationFraction < 1))
      fail("validation fraction {}, wanted 0 or more and less than 1", options.validationFraction);
    if (options.documentSeparator) {
      if (!options.documentSeparator->empty())
        separators = {*options.documentSeparator};
    } else {
      separators = {"<|endoftext|>"};
      for (const auto &token : tokenizer.specialTokens())
        if (token.id == tokenizer.eosId())
          separators.push_back(token.text);
    }
  }

  Dataset build(const std::vector<std::string> &paths) {
    std::vector<TokenizedDocument> training = read(paths), validation;
    bool plain = onlyPlainText;
    if (!options.validationPaths.empty())
      validation = read(options.validationPaths);
    else if (options.validationFraction > 0)
      validation = plain && training.size() < kFewDocuments ? takeEnds(training) : takeDocuments(training);
    Dataset result;
    result.usedPacking = options.packing != DataOptions::Packing::Automatic ? options.packing
                         : plain                                            ? DataOptions::Packing::Packed
                                                                            : DataOptions::Packing::Documents;
    fill(result.trainSet, training, result.usedPacking, false);
    fill(result.validationSet, validation, result.usedPacking, true);
    requireSamples(result.trainSet, "training", result.usedPacking);
    if (!options.validationPaths.empty())
      requireSamples(result.validationSet, "validation", result.usedPacking);
    return result;
  }

private:
  std::vector<TokenizedDocument> read(const std::vector<std::string> &names) {
    std::vector<TokenizedDocument> documents;
    for (const auto &path : findDataFiles(names)) {
      onlyPlainText &= readDocuments(path, separators, [&](const Document &document) {
        documents.push_back(tokenize(document, tokenizer));
        for (int32_t id : documents.back().ids)
          if (options.modelVocabSize > 0 && id >= options.modelVocabSize)
            fail("data file '{}': token id {} is outside the model's vocabulary of {}; the tokenizer has {} ids and "
                 "belongs to "
                 "another model",
                 path.string(), id, options.modelVocabSize, tokenizer.vocabSize());
      });
    }
    return documents;
  }

  /// Moves the documents with the smallest hashes out of the list, at least one of them and never all.
  std::vector<TokenizedDocument> takeDocuments(std::vector<TokenizedDocument> &documents) const {
    size_t n = documents.size();
    size_t wanted = std::max<size_t>(1, std::llround(options.validationFraction * static_cast<double>(n)));
    if (n < 2)
      return {};
    uint64_t key = streamKey(options.seed, "validation split");
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t(0));
    auto hash = [&](size_t i) { return std::pair(randomBits(key, 0, i), i); };
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return hash(a) < hash(b); });
    std::vector<bool> taken(n, false);
    for (size_t i = 0; i < std::min(wanted, n - 1); ++i)
      taken[order[i]] = true;
    std::vector<TokenizedDocument> out, rest;
    for (size_t i = 0; i < n; ++i)
      (taken[i] ? out : rest).push_back(std::move(documents[i]));
    documents = std::move(rest);
    return out;
  }

  /// Moves the last part of every document out.
  std::vector<TokenizedDocument> takeEnds(std::vector<TokenizedDocument> &documents) const {
    std::vector<TokenizedDocument> out;
    for (TokenizedDocument &document : documents) {
      size_t kept = std::llround((1 - options.validationFraction) * static_cast<double>(document.ids.size()));
      if (document.ids.size() - kept < 2)
        continue;
      out.push_back({{document.ids.begin() + kept, document.ids.end()}, 0});
      document.ids.resize(kept);
    }
    return out;
  }

  /// keepRest: also the last window, shorter than the others, so that an evaluation reads every token.
  void fill(SampleSet &set, const std::vector<TokenizedDocument> &documents, DataOptions::Packing packing,
            bool keepRest) const {
    set.length = options.sequenceLength;
    set.documents = static_cast<int64_t>(documents.size());
    bool packed = packing == DataOptions::Packing::Packed;
    for (const TokenizedDocument &document : documents) {
      size_t begin = set.ids.size();
      for (size_t i = 0; i < document.ids.size(); ++i) {
        set.ids.push_back(document.ids[i]);
        set.learned.push_back(i >= document.promptLength && !(i == 0 && document.ids[0] == tokenizer.bosId()));
      }
      if (!packed)
        cut(set, begin, set.ids.size(), true);
    }
    if (packed)
      cut(set, 0, set.ids.size(), keepRest);
  }

  /// Adds the windows of S+1 ids in begin..end; each begins with the last id of the one before. Those without a label
  /// are left out.
  static void cut(SampleSet &set, size_t begin, size_t end, bool keepRest) {
    size_t length = static_cast<size_t>(set.length);
    for (; begin + 1 < end; begin += length) {
      size_t stop = std::min(begin + length + 1, end);
      if (stop - begin < length + 1 && !keepRest)
        break;
      auto first = set.learned.begin();
      if (std::find(first + begin + 1, first + stop, true) != first + stop)
        set.samples.push_back({begin, stop});
    }
  }

  static void requireSamples(const SampleSet &set, const char *what, DataOptions::Packing packing) {
    if (set.size() > 0)
      return;
    if (packing == DataOptions::Packing::Packed)
      fail("data holds {} tokens for {}, wanted at least {} for one window of sequence length {}", set.tokenCount(),
           what, set.length + 1, set.length);
    fail("data holds {} tokens for {} in {} documents, wanted a document with a token to learn", set.tokenCount(), what,
         set.documents);
  }

  const Tokenizer &tokenizer;
  const DataOptions &options;
  std::vector<std::string> separators;
  bool onlyPlainText = true;
};

Dataset Dataset::open(const std::vector<std::string> &paths, const Tokenizer &tokenizer, const DataOptions &options) {
  return DatasetBuilder(tokenizer, options).build(paths);
}

Batch SampleSet::gather(const std::vector<int64_t> &numbers) const {
  Batch batch;
  batch.rows = static_cast<int64_t>(numbers.size());
  batch.length = length;
  batch.ids.assign(numbers.size() * length, 0);
  batch.labels.assign(numbers.size() * length, kIgnoredLabel);
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (numbers[row] < 0)
      continue;
    auto [begin, end] = samples.at(numbers[row]);
    for (size_t i = begin, at = row * length; i + 1 < end; ++i, ++at) {
      batch.ids[at] = ids[i];
      if (!learned[i + 1])
        continue;
      batch.labels[at] = ids[i + 1];
      ++batch.labelCount;
    }
  }
  return batch;
}

Batch SampleSet::inOrder(int64_t first, int64_t rows) const {
  std::vector<int64_t> numbers(rows);
  for (int64_t row = 0; row < rows; ++row)
    numbers[row] = first + row < size() ? first + row : -1;
  return gather(numbers);
}

int64_t permuted(int64_t index, int64_t count, uint64_t key) {
  // A Feistel network permutes 0..4^half-1; walking on until the value is below count makes it a permutation of
  // 0..count-1.
  int half = 1;
  while (int64_t(1) << 2 * half < count)
    ++half;
  uint64_t mask = (uint64_t(1) << half) - 1, value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half, right = value & mask;
    for (uint64_t round = 0; round < 6; ++round)
      left = std::exchange(right, left ^ (randomBits(key, round, right) & mask));
    value = left << half | right;
  } while (value >= static_cast<uint64_t>(count));
  return static_cast<int64_t>(value);
}

int64_t BatchOrder::sampleOf(int64_t step, int64_t microbatch, int64_t row) const {
  int64_t place = ((step * microbatches + microbatch) * worldSize + rank) * rows + row;
  uint64_t key = streamKey(seed, "sample order");
  return permuted(place % samples, samples, mixBits(key + static_cast<uint64_t>(place / samples)));
}

double BatchOrder::epochsBefore(int64_t step) const {
  return static_cast<double>(step * microbatches * worldSize * rows) / static_cast<double>(samples);
}

DataOptions::Packing parsePacking(const std::string &word) {
  if (word == "auto")
    return DataOptions::Packing::Automatic;
  if (word == "documents")
    return DataOptions::Packing::Documents;
  if (word == "packed")
    return DataOptions::Packing::Packed;
  fail("packing '{}', wanted auto, documents or packed", word);
}

} // namespace qfa::rt
