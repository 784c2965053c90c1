// A GPU emulated on the CPU: runs the LLVM bitcode of the module's GPU functions, with every access checked on request.
#ifndef QFA_RUNTIME_DEVICE_EMULATEDDEVICE_H
#define QFA_RUNTIME_DEVICE_EMULATEDDEVICE_H

#include "device/GpuDevice.h"

#include "qfa/GpuEmulator/emulator_c.h"

namespace qfa::rt {

/// The emulator's functions, found in its shared library.
struct EmulatorLibrary {
  decltype(&qfa_emulator_create) create;
  decltype(&qfa_emulator_destroy) destroy;
  decltype(&qfa_emulator_allocate) allocate;
  decltype(&qfa_emulator_free) free;
  decltype(&qfa_emulator_mark_written) markWritten;
  decltype(&qfa_emulator_load) load;
  decltype(&qfa_emulator_launch) launch;
  decltype(&qfa_emulator_error) error;

  /// Throws Error when the library is not there.
  static EmulatorLibrary open();
};

class EmulatedDevice : public GpuDevice {
public:
  /// Blocks of threads are shared among `workers` threads of the host. QFA_EMULATOR_CHECKS=1 in the environment checks
  /// every access, QFA_EMULATOR_SCHEDULE=forward, reverse or a number (a seed) chooses the order of threads then.
  /// QFA_GPU_ARCH=90 runs the kernels with that architecture's tiles, instead of those of the program's lowest.
  EmulatedDevice(const Module &module, int workers, bool profile, std::optional<EmulatorLibrary> library = {});
  ~EmulatedDevice() override;

  std::string describe() const override;
  void *allocate(const char *what, uint64_t bytes) override;
  void release(void *memory) override;
  void upload(void *to, const void *from, uint64_t bytes) override;
  void download(void *to, const void *from, uint64_t bytes) override;
  void clear(void *memory, uint64_t bytes) override;

protected:
  void *findFunction(const qfa_gpu_launch_t &launch) override { return const_cast<char *>(launch.function); }
  void beginEntry() override;
  void endEntry() override { runDelayed(); }
  void beginKernel(uint32_t kernel, int turn) override;
  void launchFunction(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters, int turn) override;
  void endKernel(uint32_t kernel, int turn) override;
  void copyOnDevice(void *to, const void *from, int64_t bytes) override;

private:
  // Early launches come as soon as a card's second stream may have them: before the others of the kernel before, which
  // are held back until this kernel's are all known. The next kernel has the workspace of the one before again.
  struct Delayed {
    void *function;
    const qfa_gpu_launch_t *launch;
    std::vector<void *> values; // of its parameters, 8 bytes each
  };
  void launchNow(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters);
  void runDelayed();

  const qfa_gpu_image_t &bitcode;
  EmulatorLibrary library;
  qfa_emulator_t *emulator = nullptr;
  qfa_emulator_module_t *loaded = nullptr;
  qfa_emulator_options_t options = {};
  double kernelStart = 0;
  std::vector<Delayed> delayed, current; // of the kernel before, of this one
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_EMULATEDDEVICE_H
