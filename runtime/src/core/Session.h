// A module at work: its weights in memory, the configuration in force, and calls of its entries.
#ifndef QFA_RUNTIME_CORE_SESSION_H
#define QFA_RUNTIME_CORE_SESSION_H

#include "core/CopyStore.h"
#include "core/Launcher.h"
#include "core/TrainedTensors.h"

#include <initializer_list>

namespace qfa::rt {

struct SessionSources {
  std::string weights;  ///< safetensors: float weights, or a subnet's copies in a static module
  std::string supernet; ///< copies made earlier; empty: made from the weights on demand
};

struct Optimizer {
  float learningRate = 5e-4f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, weightDecay = 0;
};

class Session {
public:
  Session(const Module &module, ThreadPool &pool, Launcher &launcher, const SessionSources &sources, uint64_t seed);
  Session(const Session &) = delete;

  const Module &module;

  /// Puts copies and adapters of these widths in force; nothing runs before the first call.
  void setConfiguration(const Configuration &configuration);
  const Configuration &configuration() const { return current; }

  /// Calls an entry. io: inputs, then outputs, in the shapes that the entry states.
  void run(const qfa_entry_t &entry, std::initializer_list<void *> io);

  void zeroGradients();
  /// Square root of the sum of squares of the accumulated gradients, not yet scaled.
  double gradientNorm();
  /// One optimizer step of every trained tensor in force.
  void update(const Optimizer &optimizer, double gradientScale);

  TrainedTensors &trained() { return *trainedTensors; }
  /// Values of a resident parameter, else null.
  const float *parameter(int64_t index) const { return static_cast<const float *>(parameterTable[index]); }
  const Weights &weights() const { return weightFile; }

private:
  void loadParameters(ThreadPool &pool);

  ThreadPool &pool;
  Weights weightFile;
  std::optional<CopyStore> copies;
  std::vector<Memory> parameterMemory;
  std::vector<void *> parameterTable;
  std::optional<TrainedTensors> trainedTensors;
  Configuration current;
  std::vector<qfa_site_row_t> rows;
  std::vector<qfa_trainable_row_t> trainables;
  Memory arena;
  Memory states[QFA_STATE_KIND_COUNT];
  qfa_context_t context = {};
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_SESSION_H
