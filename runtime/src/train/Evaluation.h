// The loss of a model on batches of text.
#ifndef QFA_RUNTIME_TRAIN_EVALUATION_H
#define QFA_RUNTIME_TRAIN_EVALUATION_H

#include "core/Session.h"
#include "text/Dataset.h"

namespace qfa::rt {

struct LossSum {
  double loss = 0; ///< natural logarithms, summed over the tokens
  int64_t tokens = 0;
  int64_t characters = 0; ///< that the predicted tokens spell; 0 where nobody counted
  double mean() const { return loss / static_cast<double>(tokens); }
  double perplexity() const;
};

/// Runs an entry (ids, labels) -> losses, train_step or eval_step, and sums in the order of the tokens.
LossSum runLossEntry(Session &session, const qfa_entry_t &entry, Batch &batch);

/// All samples in order, ended after at least maxTokens predicted tokens (0: no limit), under the session's
/// configuration. With a tokenizer, characters are counted. Throws Error when there is nothing to predict.
LossSum evaluate(Session &session, const SampleSet &samples, int64_t maxTokens, const Tokenizer *tokenizer = nullptr);

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_EVALUATION_H
