// Kernels on the emulated GPU for tests: from IR to the LLVM module that becomes PTX, run with all checks on.
#ifndef QFA_TEST_UNIT_KERNELS_GPUKERNELS_H
#define QFA_TEST_UNIT_KERNELS_GPUKERNELS_H

#include "KernelHarness.h"

#include <memory>

namespace qfa::test {

class GpuKernels {
public:
  // Parses a module of qfa.kernel ops and compiles it.
  GpuKernels(const std::string &ir, const std::string &precision);
  ~GpuKernels();

  // Operands and results are copied to the device and, where a kernel may write, back again. Any fault that the
  // emulator finds fails the test.
  TestKernel find(const std::string &name) const;

  std::string error; // empty: compiled

private:
  struct State;
  std::shared_ptr<State> state;
};

} // namespace qfa::test

#endif // QFA_TEST_UNIT_KERNELS_GPUKERNELS_H
