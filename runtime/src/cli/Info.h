// Memory that a module will need.
#ifndef QFA_RUNTIME_CLI_INFO_H
#define QFA_RUNTIME_CLI_INFO_H

#include "core/Module.h"

#include <nlohmann/json.hpp>

namespace qfa::rt {

/// Bytes, each at its largest: all copies mapped, all adapters sampled.
struct MemoryPlan {
  int64_t parameters = 0, copies = 0, adapters = 0, optimizer = 0, gradients = 0, caches = 0, arena = 0;
  int64_t total() const { return parameters + copies + adapters + optimizer + gradients + caches + arena; }
};

MemoryPlan planMemory(const Module &module);
nlohmann::json toJson(const MemoryPlan &plan);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_INFO_H
