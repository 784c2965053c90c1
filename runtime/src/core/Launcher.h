// Runs kernels on the CPU: picks their instruction set, divides their tiles among the threads, counts what it did.
#ifndef QFA_RUNTIME_CORE_LAUNCHER_H
#define QFA_RUNTIME_CORE_LAUNCHER_H

#include "core/Module.h"
#include "core/ThreadPool.h"
#include "support/Memory.h"

#include <optional>

namespace qfa::rt {

class Launcher {
public:
  /// isa: at most this one, by default the host's best. profile: measures each kernel.
  Launcher(const Module &module, ThreadPool &pool, std::optional<qfa_isa_t> isa = {}, bool profile = false);

  /// qfa_context_t::launch with a Launcher as `runtime`.
  static void launch(void *runtime, uint32_t kernel, void *const *args);
  /// qfa_context_t::copy.
  static void copy(void *runtime, void *to, const void *from, int64_t bytes);

  qfa_isa_t isa() const { return wanted; }
  int64_t launches() const { return launchCount; }
  int64_t flops() const { return flopCount; }
  bool profiles() const { return !times.empty(); }
  /// Kernels by the time spent in them, as a table.
  std::string profileTable() const;

private:
  void run(uint32_t kernel, void *const *args);

  const Module &module;
  ThreadPool &pool;
  qfa_isa_t wanted;
  std::vector<qfa_kernel_fn> functions; // by kernel
  std::vector<Memory> scratch;          // by thread
  int64_t launchCount = 0, flopCount = 0;
  struct Time {
    double seconds = 0;
    int64_t launches = 0;
  };
  std::vector<Time> times; // by kernel; empty without profile
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_LAUNCHER_H
