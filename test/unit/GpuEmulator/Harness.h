// Runs kernels written as IR text, for tests.
#ifndef QFA_TEST_GPUEMULATOR_HARNESS_H
#define QFA_TEST_GPUEMULATOR_HARNESS_H

#include "qfa/GpuEmulator/Emulator.h"

#include <string>
#include <vector>

namespace qfa::emu {

// Triple and data layout that every test module begins with.
std::string withTarget(const std::string &text);

// The text that loading the module fails with; empty when it does not fail.
std::string loadError(const std::string &text);

class IrProgram {
public:
  // Fails the running test when the text does not load.
  explicit IrProgram(const std::string &text, bool checks = true);

  // A buffer of the kernel's next parameter. Contents are copied in before a run, and back after it.
  template <typename T>
  std::byte *buffer(const std::vector<T> &contents) {
    return add(contents.data(), contents.size() * sizeof(T), /*initialised=*/true);
  }
  std::byte *emptyBuffer(size_t bytes) { return add(nullptr, bytes, false); }

  Report run(const std::string &kernel, Dim3 grid, Dim3 block, uint32_t dynamicShared = 0);

  template <typename T>
  std::vector<T> contents(const std::byte *data, size_t count) const {
    auto *first = reinterpret_cast<const T *>(data);
    return {first, first + count};
  }

  Memory memory;
  LaunchOptions options;
  std::vector<std::byte *> arguments; // all parameters are pointers

private:
  std::byte *add(const void *contents, size_t bytes, bool initialised);
  std::unique_ptr<Program> program;
};

// One thread per element of x: `body` computes %r of %x = x[thread] and %t, the thread; all i32. Extra text:
// declarations.
struct LaneRun {
  Report report;
  std::vector<int32_t> result;
};
LaneRun runLanes(const std::string &body, const std::string &declarations, const std::vector<int32_t> &x,
                 uint32_t dynamicShared = 0, LaunchOptions options = {});

} // namespace qfa::emu

#endif // QFA_TEST_GPUEMULATOR_HARNESS_H
