// Opening tokenizer and text, with what a run remembers of them.
#include "cli/DataOptions.h"

#include "cli/RunFolder.h"
#include "support/Error.h"

using namespace qfa::rt;

void qfa::rt::addTokenizerOption(CLI::App &command, TextOptions &options, bool required) {
  auto *option =
      command.add_option("--tokenizer", options.tokenizer,
                         required ? "tokenizer.json, sentencepiece .model or llama2.c .bin"
                                  : "tokenizer.json, sentencepiece .model or llama2.c .bin; default: the run's");
  if (required)
    option->required();
}

void qfa::rt::fillFromRun(TextOptions &options, const std::string &run) {
  if (run.empty())
    return;
  RunFolder folder(run);
  folder.check();
  ConfigValues values = folder.values();
  auto one = [&](const char *name, std::string fallback) {
    return values.contains(name) && !values[name].empty() ? values[name][0] : fallback;
  };
  if (options.tokenizer.empty())
    options.tokenizer = one("tokenizer", "");
  if (!options.data.empty())
    return;
  options.data = values["data"];
  options.validationData = values["validation-data"];
  options.validationFraction = std::stod(one("validation-fraction", "0.05"));
  options.packing = one("packing", "auto");
  options.seed = std::stoull(one("seed", "0"));
}

static Text open(const Module &module, const qfa_entry_t &entry, const TextOptions &options,
                 const std::vector<std::string> &paths, const DataOptions &wanted) {
  if (options.tokenizer.empty())
    fail("no tokenizer: give --tokenizer");
  if (paths.empty())
    fail("no text: give --data");
  DataOptions data = wanted;
  data.sequenceLength = entry.tensors[0].dims[1];
  data.packing = parsePacking(options.packing);
  data.seed = options.seed;
  data.modelVocabSize = module.raw.vocabulary;
  Text text;
  text.tokenizer = openTokenizer(options.tokenizer, module.raw.vocabulary);
  text.dataset = Dataset::open(paths, *text.tokenizer, data);
  return text;
}

Text qfa::rt::openText(const Module &module, const qfa_entry_t &entry, const TextOptions &options) {
  DataOptions wanted;
  wanted.validationFraction = options.validationFraction;
  wanted.validationPaths = options.validationData;
  return open(module, entry, options, options.data, wanted);
}

Text qfa::rt::openEvaluationText(const Module &module, const TextOptions &options) {
  const qfa_entry_t &entry = module.entry("eval_step");
  if (!options.validationData.empty()) {
    DataOptions wanted;
    wanted.validationPaths = options.validationData;
    return open(module, entry, options, options.validationData, wanted);
  }
  Text text = openText(module, entry, options);
  if (text.dataset.validation().size() == 0)
    fail("no text to evaluate on: the run keeps nothing for validation; give --data");
  return text;
}
