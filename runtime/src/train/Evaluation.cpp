// Evaluation: the loop over batches.
#include "train/Evaluation.h"

#include "support/Error.h"

#include <cmath>

using namespace qfa::rt;

double LossSum::perplexity() const { return std::exp(mean()); }

LossSum qfa::rt::runLossEntry(Session &session, const qfa_entry_t &entry, Batch &batch) {
  std::vector<float> losses(Module::elements(entry.tensors[entry.input_count]));
  if (batch.ids.size() != losses.size() || batch.labels.size() != losses.size())
    fail("batch of {} ids, entry '{}' wants {}", batch.ids.size(), entry.name, losses.size());
  session.run(entry, {batch.ids.data(), batch.labels.data(), losses.data()});
  LossSum sum;
  for (float loss : losses)
    sum.loss += loss;
  sum.tokens = batch.labelCount;
  return sum;
}

// Unicode characters of the text that the labels spell.
static int64_t countCharacters(const Batch &batch, const Tokenizer &tokenizer) {
  std::vector<int32_t> ids;
  for (int32_t label : batch.labels)
    if (label >= 0)
      ids.push_back(label);
  int64_t count = 0;
  for (unsigned char byte : tokenizer.decode(ids))
    count += (byte & 0xc0) != 0x80;
  return count;
}

LossSum qfa::rt::evaluate(Session &session, const SampleSet &samples, int64_t maxTokens, const Tokenizer *tokenizer) {
  const qfa_entry_t &entry = session.module.entry("eval_step");
  int64_t rows = entry.tensors[0].dims[0];
  LossSum total;
  for (int64_t first = 0; first < samples.size() && (maxTokens == 0 || total.tokens < maxTokens); first += rows) {
    Batch batch = samples.inOrder(first, rows);
    LossSum sum = runLossEntry(session, entry, batch);
    total.loss += sum.loss;
    total.tokens += sum.tokens;
    if (tokenizer)
      total.characters += countCharacters(batch, *tokenizer);
  }
  if (total.tokens == 0)
    fail("nothing to evaluate: the data holds no token to predict");
  return total;
}
