// Text generation: the prompt in blocks, then token by token, with keys and values of the past in the module's caches.
#ifndef QFA_RUNTIME_GENERATE_GENERATOR_H
#define QFA_RUNTIME_GENERATE_GENERATOR_H

#include "core/Session.h"

#include <span>

namespace qfa::rt {

class Generator {
public:
  explicit Generator(Session &session);

  int64_t position() const { return next; } ///< tokens that the caches hold
  int64_t context() const { return session.module.raw.context; }
  int64_t blockLength() const { return block; } ///< tokens that one prefill takes
  void restart() { next = 0; }

  /// Reads tokens after those read before; returns the logits [vocabulary] behind the last. Throws Error when the
  /// context is full or an id is outside the vocabulary.
  std::span<const float> read(std::span<const int32_t> ids);

private:
  Session &session;
  const qfa_entry_t &decode;
  const qfa_entry_t *prefill;
  int64_t block = 1, next = 0;
  std::vector<float> logits;
};

/// How the next token is chosen.
struct SamplingOptions {
  double temperature = 0; ///< 0: the likeliest
  int64_t topK = 0;       ///< among so many; 0: all
  double topP = 1;        ///< among the likeliest that have this probability together
  uint64_t seed = 0;

  /// Throws Error for values that make no sense.
  void validate() const;
};

/// A pure function of the logits, the options and the token's number. Throws Error for NaN.
int32_t chooseToken(std::span<const float> logits, const SamplingOptions &options, int64_t number);

} // namespace qfa::rt

#endif // QFA_RUNTIME_GENERATE_GENERATOR_H
