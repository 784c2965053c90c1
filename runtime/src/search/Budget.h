// Budgets, and what a configuration costs: every byte of the file that a subnet is deployed as.
#ifndef QFA_RUNTIME_SEARCH_BUDGET_H
#define QFA_RUNTIME_SEARCH_BUDGET_H

#include "core/Module.h"

#include <string>

namespace qfa::rt {

/// Bytes by component.
struct DeployedBytes {
  uint64_t codes = 0, scales = 0, zeros = 0;
  uint64_t vocabulary = 0; ///< embedding and head: codes, scales and zeros
  uint64_t parameters = 0; ///< norms, and what else is not elastic
  uint64_t header = 0;     ///< names and shapes
  uint64_t total = 0;
};

/// Of the safetensors file that qfa-compile --subnet writes (scales and zeros in float16), to the byte. In a dense
/// module: of all parameters in float32; in a static one: with scales of its own type.
DeployedBytes deployedBytes(const Module &module, const Configuration &configuration);

struct Budget {
  enum class Unit { Bytes, BitsPerWeight };
  std::string text; ///< as the user wrote it
  Unit unit = Unit::Bytes;
  double limit = 0;

  /// What `configuration` costs in the budget's unit.
  double cost(const Module &module, const Configuration &configuration) const;
};

/// "2.5bpw", "400KiB", "1.2MB", "123456". Throws Error for anything else.
Budget parseBudget(const std::string &text);

} // namespace qfa::rt

#endif // QFA_RUNTIME_SEARCH_BUDGET_H
