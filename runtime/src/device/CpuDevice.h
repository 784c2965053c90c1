// Runs kernels on the CPU: picks their instruction set, divides their tiles among the threads.
#ifndef QFA_RUNTIME_DEVICE_CPUDEVICE_H
#define QFA_RUNTIME_DEVICE_CPUDEVICE_H

#include "core/ThreadPool.h"
#include "device/Device.h"
#include "support/Memory.h"

#include <map>

namespace qfa::rt {

class CpuDevice : public Device {
public:
  /// isa: at most this one, by default the host's best.
  CpuDevice(const Module &module, ThreadPool &pool, std::optional<qfa_isa_t> isa = {}, bool profile = false);

  std::string describe() const override;
  bool isHost() const override { return true; }
  void *allocate(const char *what, uint64_t bytes) override;
  void release(void *memory) override;
  void upload(void *to, const void *from, uint64_t bytes) override;
  void download(void *to, const void *from, uint64_t bytes) override { upload(to, from, bytes); }
  void clear(void *memory, uint64_t bytes) override;

protected:
  void launch(uint32_t kernel, void *const *args) noexcept override;
  void copy(void *to, const void *from, int64_t bytes) noexcept override;

private:
  ThreadPool &pool;
  qfa_isa_t wanted;
  std::vector<qfa_kernel_fn> functions; // by kernel
  std::vector<Memory> scratch;          // by thread
  std::map<void *, Memory> memories;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_CPUDEVICE_H
