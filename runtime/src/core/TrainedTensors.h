// What training changes: the adapters of every copy, or the parameters themselves, with their optimizer state.
//
// A tensor comes into being when it is first sampled. Until its first update it holds its initial value, a pure
// function of seed and name, and needs no place in a checkpoint.
#ifndef QFA_RUNTIME_CORE_TRAINEDTENSORS_H
#define QFA_RUNTIME_CORE_TRAINEDTENSORS_H

#include "core/Module.h"
#include "support/Memory.h"

namespace qfa::rt {

struct TrainedTensor {
  std::string name;
  std::vector<int64_t> shape;
  float *value = nullptr;
  Memory memory; // of the value, where it is an adapter's
  Memory m, v;   // empty before the first update
  int64_t steps = 0;
  int64_t elements = 0;
};

/// A trained tensor as it stands now. Its numbers stay the same as long as training happens on another device.
struct TensorState {
  std::string name;
  std::vector<int64_t> shape;
  const float *value, *m, *v;
  int64_t elements, steps;
};

class TrainedTensors {
public:
  /// parameters: values by index, null where not resident; trained parameters are changed in place.
  TrainedTensors(const Module &module, const std::vector<float *> &parameters, uint64_t seed);

  /// The tensor that the trainable stands for under a configuration, with a value.
  TrainedTensor &get(const qfa_trainable_t &trainable, const Configuration &configuration);
  /// The adapter matrix of a copy, with a value.
  TrainedTensor &adapter(int64_t elastic, int64_t bitIndex, qfa_role_t role);
  /// Makes room for the optimizer state and counts the step.
  static void beginUpdate(TrainedTensor &tensor);

  /// All that have been updated at least once, in a fixed order.
  std::vector<TrainedTensor *> updated();
  std::vector<TensorState> states(); ///< the same as states
  /// The tensor of this name as a checkpoint wrote it, with a value; null for an unknown name.
  TrainedTensor *find(std::string_view name);
  uint64_t bytes() const; ///< in memory now

private:
  void initialize(TrainedTensor &tensor, bool random);

  const Module &module;
  uint64_t seed;
  std::vector<TrainedTensor> tensors;
  std::vector<int64_t> firstOfElastic;    // adapters: 2 per width
  std::vector<int64_t> tensorOfTrainable; // parameters; -1 for adapters
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_TRAINEDTENSORS_H
