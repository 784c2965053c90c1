// A module on a device: the memory that its entries work in, the two tables that say what is in force, and calls.
#ifndef QFA_RUNTIME_CORE_DEVICEMODULE_H
#define QFA_RUNTIME_CORE_DEVICEMODULE_H

#include "device/Device.h"

#include <initializer_list>
#include <map>
#include <span>

namespace qfa::rt {

struct Optimizer {
  float learningRate = 5e-4f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, weightDecay = 0;

  /// The row of a tensor that is about to take its step number `steps`, counted from 1.
  qfa_trainable_row_t row(float *value, float *m, float *v, int64_t steps) const;
};

class DeviceModule {
public:
  /// Takes arena, states and tables; gradients are zero.
  DeviceModule(const Module &module, Device &device);
  DeviceModule(const DeviceModule &) = delete; // a device keeps the address of the context

  const Module &module;
  Device &device;

  /// The device's addresses by parameter index, null where not resident. Once, before the first call.
  void setParameters(std::vector<void *> addresses);
  /// The copies and adapters in force, by elastic index.
  void setRows(std::span<const qfa_site_row_t> rows);

  /// Calls an entry. io: inputs, then outputs, in the shapes that the entry states, in the host's memory.
  void run(const qfa_entry_t &entry, std::span<void *const> io);
  void run(const qfa_entry_t &entry, std::initializer_list<void *> io) { run(entry, {io.begin(), io.size()}); }

  DeviceMemory &state(qfa_state_kind_t kind) { return states[kind]; }
  void zeroGradients();
  /// Square root of the sum of squares of the accumulated gradients, not yet scaled.
  double gradientNorm();
  /// One optimizer step of these tensors, by trainable index.
  void update(std::span<const qfa_trainable_row_t> trainables, const Optimizer &optimizer, double gradientScale);

private:
  std::vector<void *> parameters;
  DeviceMemory arena, rowTable, trainableTable;
  DeviceMemory states[QFA_STATE_KIND_COUNT];
  std::map<const qfa_entry_t *, std::vector<DeviceMemory>> entryMemory; // of inputs and outputs, addresses never change
  qfa_context_t context = {};
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_DEVICEMODULE_H
