// A module at work: its weights in memory, the configuration in force, and calls of its entries.
#ifndef QFA_RUNTIME_CORE_SESSION_H
#define QFA_RUNTIME_CORE_SESSION_H

#include "core/CopyStore.h"
#include "core/TrainedTensors.h"
#include "device/Device.h"

#include <initializer_list>
#include <map>

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
  Session(const Module &module, ThreadPool &pool, Device &device, const SessionSources &sources, uint64_t seed);
  Session(const Session &) = delete;

  const Module &module;

  /// Puts copies and adapters of these widths in force; nothing runs before the first call.
  void setConfiguration(const Configuration &configuration);
  const Configuration &configuration() const { return current; }

  /// Calls an entry. io: inputs, then outputs, in the shapes that the entry states, in the host's memory.
  void run(const qfa_entry_t &entry, std::initializer_list<void *> io);

  void zeroGradients();
  /// Square root of the sum of squares of the accumulated gradients, not yet scaled.
  double gradientNorm();
  /// One optimizer step of every trained tensor in force.
  void update(const Optimizer &optimizer, double gradientScale);

  /// What is trained, brought to the host. After changing it, set the configuration again.
  TrainedTensors &trained();
  /// Values of a resident parameter, else null; those of trained ones as `trained` last brought them.
  const float *parameter(int64_t index) const { return static_cast<const float *>(hostParameters[index]); }
  /// Whether `trained` hands out the very memory that training changes.
  bool isHost() const { return device.isHost(); }
  const Weights &weights() const { return weightFile; }

private:
  void loadParameters(ThreadPool &pool);
  /// The device's copy of host memory, made when first asked for; the memory itself where the device is the host.
  template <typename T>
  T *place(T *host, uint64_t bytes, const char *what, bool isTrained = false);
  void placeTrainedParameters();

  Device &device;
  Weights weightFile;
  std::optional<CopyStore> copies;
  std::vector<Memory> parameterMemory;
  std::vector<void *> hostParameters, parameterTable; // of the host, of the device
  std::optional<TrainedTensors> trainedTensors;
  Configuration current;
  std::vector<qfa_site_row_t> rows;
  std::vector<qfa_trainable_row_t> trainables;
  struct Placed {
    DeviceMemory memory;
    bool isTrained = false;
    bool isNewer = false; // than what the host has, or the same
  };
  std::map<const void *, Placed> placed; // by address on the host
  DeviceMemory arena, rowTable, trainableTable;
  DeviceMemory states[QFA_STATE_KIND_COUNT];
  std::map<const qfa_entry_t *, std::vector<DeviceMemory>> entryMemory; // of inputs and outputs, addresses never change
  qfa_context_t context = {};
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_SESSION_H
