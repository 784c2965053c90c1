// Compiles kernels in memory: for tests and benchmarks of single kernels.
#ifndef QFA_LOWERING_KERNELJIT_H
#define QFA_LOWERING_KERNELJIT_H

#include "qfa/module_abi.h"

#include <memory>
#include <string>
#include <vector>

namespace qfa {

// The instruction sets of this machine, portable first.
std::vector<std::string> hostIsas();

class KernelJit {
public:
  struct Kernel {
    qfa_kernel_fn function = nullptr;
    int64_t tiles = 0, scratchBytes = 0, flops = 0;
  };

  // Parses a module of qfa.kernel ops and compiles it. Code for an instruction set that this machine lacks is compiled
  // for this machine instead: the same loops over the same vectors, which LLVM splits. Errors go to standard error and
  // into `error`.
  KernelJit(const std::string &ir, const std::string &isa);
  ~KernelJit();

  // The kernel of that name; its function is null when there is none.
  Kernel find(const std::string &name) const;

  std::string error; // empty: compiled

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace qfa

#endif // QFA_LOWERING_KERNELJIT_H
