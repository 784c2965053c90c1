// The options that say what text a command reads.
#ifndef QFA_RUNTIME_CLI_DATAOPTIONS_H
#define QFA_RUNTIME_CLI_DATAOPTIONS_H

#include "core/Module.h"
#include "text/Dataset.h"

#include <CLI/App.hpp>

namespace qfa::rt {

struct TextOptions {
  std::vector<std::string> data, validationData;
  std::string tokenizer;
  double validationFraction = 0.05;
  std::string packing = "auto";
  uint64_t seed = 0;
};

struct Text {
  std::unique_ptr<Tokenizer> tokenizer;
  Dataset dataset;
};

/// --tokenizer alone, required unless the program has runs to remember it.
void addTokenizerOption(CLI::App &command, TextOptions &options, bool required);

/// Fills what is not given from the run's config.yaml.
void fillFromRun(TextOptions &options, const std::string &run);

/// Opens tokenizer and text for an entry (ids [B, S], ...).
Text openText(const Module &module, const qfa_entry_t &entry, const TextOptions &options);

/// As openText, when the only text is for evaluation: the data itself, or else the run's validation split. Its samples
/// are in dataset.validation().
Text openEvaluationText(const Module &module, const TextOptions &options);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_DATAOPTIONS_H
