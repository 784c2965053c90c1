// What runs a module: memory, copies, launches of its kernels. One interface for the CPU, an NVIDIA GPU and an emulated
// one.
#ifndef QFA_RUNTIME_DEVICE_DEVICE_H
#define QFA_RUNTIME_DEVICE_DEVICE_H

#include "core/Module.h"

#include <memory>
#include <optional>
#include <utility>

namespace qfa::rt {

class ThreadPool;

class Device {
public:
  /// profile: measures each kernel.
  Device(const Module &module, bool profile);
  virtual ~Device() = default;
  Device(const Device &) = delete;

  /// For people: "cpu (avx2, 2 threads)".
  virtual std::string describe() const = 0;
  /// Whether the host's pointers serve as they are, so that nothing has to be copied.
  virtual bool isHost() const { return false; }

  /// Memory on 64 bytes, not initialised. `what` names it in errors. Throws Error where there is no room.
  virtual void *allocate(const char *what, uint64_t bytes) = 0;
  virtual void release(void *memory) = 0;
  /// Bytes that could be allocated now; none: nobody knows.
  virtual std::optional<uint64_t> freeBytes() const { return std::nullopt; }

  /// Between host and device, after all work before. `from` may be changed once upload has returned.
  virtual void upload(void *to, const void *from, uint64_t bytes) = 0;
  virtual void download(void *to, const void *from, uint64_t bytes) = 0;
  virtual void clear(void *memory, uint64_t bytes) = 0;

  /// Runs an entry to its end, or queues it before whatever follows. Context and io stay where they are for the life of
  /// the device: the launches of an entry are the same ones every time. Throws Error when a launch failed.
  virtual void run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io);
  /// Drops what the device keeps of an entry that will not be run again.
  virtual void forget(const qfa_entry_t &entry) {}

  /// What compiled entries call.
  void bind(qfa_context_t &context);

  int64_t launches() const { return launchCount; }
  int64_t flops() const { return flopCount; }
  bool profiles() const { return !times.empty(); }
  /// Kernels by the time spent in them, as a table.
  std::string profileTable() const;

protected:
  /// Both are called from compiled code, which no exception may cross.
  virtual void launch(uint32_t kernel, void *const *args) noexcept = 0;
  virtual void copy(void *to, const void *from, int64_t bytes) noexcept = 0;
  /// Counts a launch that took so long.
  void count(uint32_t kernel, double seconds);

  const Module &module;

private:
  int64_t launchCount = 0, flopCount = 0;
  struct Time {
    double seconds = 0;
    int64_t launches = 0;
  };
  std::vector<Time> times; // by kernel; empty without profile
};

/// Memory of a device that goes when this does.
class DeviceMemory {
public:
  DeviceMemory() = default;
  DeviceMemory(Device &device, const char *what, uint64_t bytes)
      : device(&device), start(bytes ? device.allocate(what, bytes) : nullptr), length(bytes) {}
  DeviceMemory(DeviceMemory &&other) noexcept
      : device(other.device), start(std::exchange(other.start, nullptr)), length(std::exchange(other.length, 0)) {}
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(device, other.device);
    std::swap(start, other.start);
    std::swap(length, other.length);
    return *this;
  }
  ~DeviceMemory() {
    if (start)
      device->release(start);
  }
  char *data() const { return static_cast<char *>(start); }
  uint64_t size() const { return length; }

private:
  Device *device = nullptr;
  void *start = nullptr;
  uint64_t length = 0;
};

struct DeviceOptions {
  std::string name = "auto";    ///< cpu, cuda, cuda:N, emulated, auto
  std::optional<qfa_isa_t> isa; ///< of the CPU, at most this one
  bool profile = false;
  std::string gemm = "auto"; ///< matrix products on a CUDA device: generated, cublaslt, auto
};

/// Opens the device of that name; `auto` is a GPU where there is one that runs the module, else the CPU. Throws Error
/// for a device that is not there or that the module was not compiled for, and where `gemm` asks for cuBLASLt in vain.
std::unique_ptr<Device> openDevice(const Module &module, ThreadPool &pool, const DeviceOptions &options);

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_DEVICE_H
