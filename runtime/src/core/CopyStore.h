// The integer copies of all elastic weights: mapped from a file, or made from the float weights when first asked for.
#ifndef QFA_RUNTIME_CORE_COPYSTORE_H
#define QFA_RUNTIME_CORE_COPYSTORE_H

#include "core/Weights.h"

#include <optional>

namespace qfa::rt {

struct CopyView {
  const uint32_t *codes = nullptr;
  const void *scales = nullptr, *zeros = nullptr;
};

class CopyStore {
public:
  /// Copies in `file`: a run's supernet.safetensors, or the weights of a subnet's program.
  CopyStore(const Module &module, const std::string &file);
  /// Copies by round-to-nearest from the original weights, each when first asked for.
  CopyStore(const Module &module, const Weights &weights, ThreadPool &pool);

  /// Throws Error for a copy that the file lacks or a weight that cannot be rounded.
  CopyView get(int64_t elastic, int64_t bitIndex);

private:
  void readFile(int64_t elastic, int64_t bitIndex, CopyView &view) const;

  const Module &module;
  std::optional<Weights> mapped;
  const Weights *source = nullptr;
  ThreadPool *pool = nullptr;
  std::vector<CopyView> views; // by elastic and position in its bit set, 4 each
  std::vector<Memory> owned;
};

/// Writes the copies of every elastic weight at every width of its site to `file`, one at a time.
void writeSupernet(const Module &module, const Weights &weights, ThreadPool &pool, const std::string &file);

/// Throws Error when `file` was made for a supernet of other options.
void checkSupernet(const Module &module, const std::string &file);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_COPYSTORE_H
