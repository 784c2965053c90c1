// A module at work with random numbers in place of weights: its speed can be measured where no weights are. Everything
// lies in the device's memory alone, so that a model may be larger than the host's memory.
//
// The numbers are such that a loss is finite and near ln(vocabulary): weights uniform in +-1 / sqrt(inputs), vectors 1,
// adapters as at the beginning of training. Rows of the vocabulary are a tenth as large, since a model whose embedding
// is its head too would predict each token's repetition.
#ifndef QFA_RUNTIME_CORE_RANDOMSESSION_H
#define QFA_RUNTIME_CORE_RANDOMSESSION_H

#include "core/DeviceModule.h"

namespace qfa::rt {

class RandomBlock;

class RandomSession {
public:
  /// Makes the copies and adapters that these configurations use.
  RandomSession(const Module &module, Device &device, std::span<const Configuration> configurations);

  DeviceModule onDevice;
  /// Puts one of the configurations in force.
  void setConfiguration(const Configuration &configuration);
  /// One optimizer step of what is in force, at the end of which the device has done all its work.
  void update(const Optimizer &optimizer, double gradientScale);

private:
  struct Trained {
    float *value = nullptr, *m = nullptr, *v = nullptr;
  };
  struct Copy {
    qfa_site_row_t row = {};
    Trained a, b;
  };
  char *allocate(const char *what, int64_t bytes);
  Trained addTrained(int64_t elements);
  Copy makeCopy(const qfa_elastic_t &elastic, int32_t bits, RandomBlock &block);
  void addParameters(RandomBlock &block);

  const Module &module;
  Device &device;
  const bool trains;
  std::vector<DeviceMemory> memory;
  std::vector<Trained> parameters;             // by parameter index
  std::vector<std::map<int32_t, Copy>> copies; // by elastic index, by width
  Configuration current;
  int64_t steps = 0;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_RANDOMSESSION_H
