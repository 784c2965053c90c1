// Training samples of fixed length from text files: tokenized, split into training and validation, shuffled by a pure
// function.
//
// A document is BOS (where the tokenizer puts one), its ids, EOS (where there is one). A sample reads up to S+1
// consecutive ids: input[t] is id t and label[t] is id t+1. Labels are -100 behind the end of a sample, for the tokens
// of a prompt, and for BOS.
#ifndef QFA_RUNTIME_TEXT_DATASET_H
#define QFA_RUNTIME_TEXT_DATASET_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/Tokenizer.h"

namespace qfa::rt {

constexpr int32_t kIgnoredLabel = -100;

struct Batch {
  int64_t rows = 0, length = 0;
  std::vector<int32_t> ids;    ///< [rows, length]; 0 where there is no token
  std::vector<int32_t> labels; ///< [rows, length]; shifted, -100 = ignored
  int64_t labelCount = 0;      ///< labels that are not ignored
};

/// Samples of S ids over one array of tokens.
class SampleSet {
public:
  struct Range {
    size_t begin, end; ///< of ids, at least 2 and at most S+1 of them
  };

  int64_t size() const { return static_cast<int64_t>(samples.size()); }
  int64_t sequenceLength() const { return length; }
  int64_t tokenCount() const { return static_cast<int64_t>(ids.size()); }
  int64_t documentCount() const { return documents; }

  /// The samples of these numbers as rows; a number of -1 makes a row without labels.
  Batch gather(const std::vector<int64_t> &numbers) const;
  /// Samples first, first+1, ... in order, for evaluation; rows past the last sample have no labels.
  Batch inOrder(int64_t first, int64_t rows) const;

private:
  friend class DatasetBuilder;
  int64_t length = 0, documents = 0;
  std::vector<int32_t> ids;
  std::vector<bool> learned; // whether ids[i] may be a label
  std::vector<Range> samples;
};

/// Which sample each row of each step reads. A pure function of its arguments: a resumed run needs the step only.
/// Epoch by epoch every sample is read once, in an order made from (seed, epoch).
struct BatchOrder {
  int64_t samples = 0; ///< of the set
  int64_t rows = 1;    ///< of a microbatch
  int64_t microbatches = 1;
  uint64_t seed = 0;
  int64_t rank = 0, worldSize = 1; ///< each rank reads other samples

  /// The sample of a row, 0..samples-1.
  int64_t sampleOf(int64_t step, int64_t microbatch, int64_t row) const;
  /// How often the whole set was read before this step.
  double epochsBefore(int64_t step) const;
};

/// Number `index` of a random order of 0..count-1.
int64_t permuted(int64_t index, int64_t count, uint64_t key);

struct DataOptions {
  enum class Packing {
    Automatic, ///< Packed where all files are plain text, else Documents
    Documents, ///< a sample begins where a document does; a long document's next piece is another sample; the rest is
               ///< padding
    Packed     ///< documents one after another, cut into windows of S; attention reaches across their borders
  };
  int64_t sequenceLength = 512;
  Packing packing = Packing::Automatic;
  /// The line between documents of plain text; unset: <|endoftext|> and the text of the tokenizer's EOS; empty: none.
  std::optional<std::string> documentSeparator;
  double validationFraction = 0.05;         ///< of the documents, by a hash of seed and number; 0: no validation set
  std::vector<std::string> validationPaths; ///< if any: the validation set, and all of the other files are for training
  uint64_t seed = 0;
  int64_t modelVocabSize = 0; ///< 0: not checked
};

/// Packing as the user writes it: auto, documents or packed. Throws Error for another word.
DataOptions::Packing parsePacking(const std::string &word);

class Dataset {
public:
  /// paths: files, folders or patterns. Throws Error: no such file, no text, malformed content (see Documents.h), too
  /// little text for one window, or an id that the model does not know.
  ///
  /// Fewer than 20 documents of plain text are too few to split by; there the end of each becomes validation.
  static Dataset open(const std::vector<std::string> &paths, const Tokenizer &tokenizer, const DataOptions &options);

  const SampleSet &train() const { return trainSet; }
  const SampleSet &validation() const { return validationSet; } ///< size 0 where there is none
  DataOptions::Packing packing() const { return usedPacking; }

private:
  friend class DatasetBuilder;
  SampleSet trainSet, validationSet;
  DataOptions::Packing usedPacking = DataOptions::Packing::Packed;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_DATASET_H
