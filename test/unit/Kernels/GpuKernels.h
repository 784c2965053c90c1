// Kernels on the emulated GPU for tests: from IR to the LLVM module that becomes PTX, run with all checks on.
#ifndef QFA_TEST_UNIT_KERNELS_GPUKERNELS_H
#define QFA_TEST_UNIT_KERNELS_GPUKERNELS_H

#include "KernelHarness.h"

#include <memory>

namespace qfa::test {

struct GpuMutants {
  size_t tried = 0;
  std::vector<std::string> unnoticed; // the function and the instruction that it did without
};

class GpuKernels {
public:
  // Parses a module of qfa.kernel ops and compiles it with the tiles of an architecture, for a card of so many
  // multiprocessors: with 1, products have the largest tiles that their sizes allow. 0: as many as cards of it have.
  GpuKernels(const std::string &ir, const std::string &precision, const std::string &arch = "80",
             unsigned multiprocessors = 0);
  ~GpuKernels();

  // Operands and results are copied to the device and, where a kernel may write, back again. Any fault that the
  // emulator finds fails the test. Kernels run under two schedules, whose results must be the same bit for bit.
  TestKernel find(const std::string &name) const;

  // Takes every barrier, every fence, every wait for copies or products and every end of a group of them out of the
  // module's functions, one at a time. A mutant is noticed when the emulator finds a fault under some schedule, or the
  // results differ.
  GpuMutants mutate(const std::string &name, const std::vector<void *> &operands) const;

  std::string error; // empty: compiled

  struct State;

private:
  std::shared_ptr<State> state;
};

} // namespace qfa::test

#endif // QFA_TEST_UNIT_KERNELS_GPUKERNELS_H
