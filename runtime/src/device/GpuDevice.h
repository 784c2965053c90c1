// What real and emulated GPUs share: a module's kernels as lists of launches, with workspaces.
#ifndef QFA_RUNTIME_DEVICE_GPUDEVICE_H
#define QFA_RUNTIME_DEVICE_GPUDEVICE_H

#include "device/Device.h"

#include <exception>
#include <optional>

namespace qfa::rt {

/// As --gpu-arch names it: 90, 90a.
std::string archOf(const qfa_gpu_image_t &image);
/// The architecture whose code the user wants to run: QFA_GPU_ARCH. Nothing: whichever suits the device best.
std::optional<std::string> wantedArch();

class GpuDevice : public Device {
public:
  using Device::Device;

  void run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) override;

  /// Bytes that the kernels of a module need beside operands and results, whichever image runs.
  static int64_t workspaceBytes(const Module &module);

protected:
  /// Finds all functions of the image that was loaded and takes the workspaces; for constructors. Their memory goes
  /// before the device does.
  void prepare(const qfa_gpu_image_t &image);
  void releaseWorkspaces();
  virtual void *findFunction(const qfa_gpu_launch_t &launch) = 0;

  /// A kernel's launches come between beginKernel and endKernel, the launches of an entry between beginEntry and
  /// endEntry. An early launch reads nothing that the entry's launches before it wrote, and writes nothing but its
  /// workspace. The two workspaces take turns: `turn` is 0 or 1.
  virtual void beginEntry() {}
  virtual void endEntry() {}
  virtual void beginKernel(uint32_t kernel, int turn) {}
  /// parameters: addresses of the kernel's pointers, of the workspace's and of the launch's argument.
  virtual void launchFunction(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters,
                              int turn) = 0;
  virtual void endKernel(uint32_t kernel, int turn) {}
  virtual void copyOnDevice(void *to, const void *from, int64_t bytes) = 0;
  /// Calls the entry's code, which calls launch and copy. Throws what they threw.
  void runEntry(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io);

  void launch(uint32_t kernel, void *const *args) noexcept override;
  void copy(void *to, const void *from, int64_t bytes) noexcept override;

private:
  const qfa_gpu_kernel_t *kernels = nullptr;
  std::vector<std::vector<void *>> functions; // by kernel and launch
  DeviceMemory workspaces[2];
  int turn = 0;
  std::exception_ptr failure; // of the entry that runs
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_GPUDEVICE_H
