// An NVIDIA GPU by way of the CUDA driver: every entry is captured as a graph when it runs for the second time, and
// launched as a whole from then on.
#ifndef QFA_RUNTIME_DEVICE_CUDADEVICE_H
#define QFA_RUNTIME_DEVICE_CUDADEVICE_H

#include "device/CublasProducts.h"
#include "device/DeviceSlabs.h"
#include "device/GpuDevice.h"

#include <map>

namespace qfa::rt {

/// What makes matrix products.
struct CudaGemm {
  std::optional<CublasLt> library; ///< none: generated functions make all of them
  bool always = false;             ///< else: large ones, and none where the library does not work
};

class CudaDevice : public GpuDevice {
public:
  /// ordinal: of the device, as CUDA counts them. With profile, kernels are waited for one by one and nothing is
  /// captured.
  CudaDevice(const Module &module, const CudaDriver &driver, int ordinal, bool profile, const CudaGemm &gemm = {});
  ~CudaDevice() override;

  std::string describe() const override;
  void *allocate(const char *what, uint64_t bytes) override;
  void release(void *memory) override;
  std::optional<uint64_t> freeBytes() const override;
  void upload(void *to, const void *from, uint64_t bytes) override;
  void download(void *to, const void *from, uint64_t bytes) override;
  void clear(void *memory, uint64_t bytes) override;
  void run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) override;
  void forget(const qfa_entry_t &entry) override;

protected:
  void *findFunction(const qfa_gpu_launch_t &launch) override;
  void beginEntry() override;
  void endEntry() override;
  void beginKernel(uint32_t kernel, int turn) override;
  void launchFunction(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters, int turn) override;
  void endKernel(uint32_t kernel, int turn) override;
  void copyOnDevice(void *to, const void *from, int64_t bytes) override;

private:
  void open(int ordinal);
  void openProducts(const CudaGemm &gemm);
  bool multiply(const qfa_gpu_launch_t &launch, std::span<void *> parameters);
  void close();
  const qfa_gpu_image_t &loadImage();
  void load(const qfa_gpu_image_t &image);
  cuda::GraphExec capture(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io);
  cuda::Event makeEvent();
  void record(cuda::Event event, cuda::Stream stream);
  void wait(cuda::Stream stream, cuda::Event event);

  CudaDriver driver;
  cuda::Device device = 0;
  bool retained = false;
  std::string name, code; // code: what was loaded
  int arch = 0;
  cuda::Module loaded = nullptr;
  cuda::Result lastAllocation = 0;
  DeviceSlabs slabs;
  std::optional<CublasProducts> products;
  DeviceMemory productWorkspace;
  double leastProductFlops = 0;                // of a launch that the library makes
  cuda::Stream main = nullptr, side = nullptr; // side: early launches
  std::vector<cuda::Event> events;             // all of them, to destroy
  cuda::Event entryBegins = nullptr, sideEnds = nullptr;
  cuda::Event earlyDone[2] = {}, workspaceFree[2] = {};
  bool sideStarted = false, mustWait = false; // in the entry; for the early launches of the kernel
  bool wasUsed[2] = {};                       // the workspace, in the entry
  double kernelStart = 0;
  struct Staging {
    void *memory = nullptr; // pinned
    cuda::Event done = nullptr;
  };
  Staging staging[2]; // copies from pageable memory would wait for the device each time
  struct Graph {
    cuda::GraphExec launchable = nullptr;
    bool refused = false; // launches go one by one
  };
  std::map<const qfa_entry_t *, Graph> graphs; // of entries that have run
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_CUDADEVICE_H
