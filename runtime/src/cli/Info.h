// Memory that a module will need.
#ifndef QFA_RUNTIME_CLI_INFO_H
#define QFA_RUNTIME_CLI_INFO_H

#include "device/Device.h"

#include <nlohmann/json.hpp>

namespace qfa::rt {

/// Bytes, each at its largest: all copies mapped, all adapters sampled.
struct MemoryPlan {
  int64_t parameters = 0, copies = 0, adapters = 0, optimizer = 0, gradients = 0, caches = 0, arena = 0;
  int64_t workspace = 0; ///< of kernels, on GPUs
  int64_t total() const { return parameters + copies + adapters + optimizer + gradients + caches + arena + workspace; }
  /// "parameters 1.2 MB, copies 3 MB, .."
  std::string parts() const;
};

/// onGpu: with the workspaces that only GPUs need. Configurations: only the copies and adapters that they use.
MemoryPlan planMemory(const Module &module, bool onGpu = false, std::span<const Configuration> configurations = {});
/// Throws Error with the numbers when `what` needs more than the device has, which holds its workspaces already.
void checkMemory(const MemoryPlan &plan, const Device &device, const char *what);
nlohmann::json toJson(const MemoryPlan &plan);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_INFO_H
