// A module at work: its weights in memory, the configuration in force, and calls of its entries.
#ifndef QFA_RUNTIME_CORE_SESSION_H
#define QFA_RUNTIME_CORE_SESSION_H

#include "core/CopyStore.h"
#include "core/DeviceModule.h"
#include "core/TrainedTensors.h"

namespace qfa::rt {

struct SessionSources {
  std::string weights;  ///< safetensors: float weights, or a subnet's copies in a static module
  std::string supernet; ///< copies made earlier; empty: made from the weights on demand
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
  void run(const qfa_entry_t &entry, std::initializer_list<void *> io) { onDevice.run(entry, io); }

  void zeroGradients() { onDevice.zeroGradients(); }
  double gradientNorm() { return onDevice.gradientNorm(); }
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
  std::vector<void *> hostParameters;
  std::optional<TrainedTensors> trainedTensors;
  Configuration current;
  struct Placed {
    DeviceMemory memory;
    bool isTrained = false;
    bool isNewer = false; // than what the host has, or the same
  };
  std::map<const void *, Placed> placed; // by address on the host
  DeviceModule onDevice;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_SESSION_H
