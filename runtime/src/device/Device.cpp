// What all devices share, and the choice among them.
#include "device/Device.h"

#include "device/CpuDevice.h"
#include "device/CudaDevice.h"
#include "device/EmulatedDevice.h"
#include "support/Error.h"

#include <algorithm>
#include <charconv>
#include <numeric>

using namespace qfa::rt;

Device::Device(const Module &module, bool profile) : module(module), times(profile ? module.kernels().size() : 0) {}

void Device::bind(qfa_context_t &context) {
  context.runtime = this;
  context.launch = [](void *device, uint32_t kernel, void *const *args) {
    static_cast<Device *>(device)->launch(kernel, args);
  };
  context.copy = [](void *device, void *to, const void *from, int64_t bytes) {
    static_cast<Device *>(device)->copy(to, from, bytes);
  };
}

void Device::run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) {
  entry.function(&context, io);
}

void Device::count(uint32_t kernel, double seconds) {
  ++launchCount;
  flopCount += module.raw.kernels[kernel].flops;
  if (!times.empty()) {
    times[kernel].seconds += seconds;
    ++times[kernel].launches;
  }
}

std::string Device::profileTable() const {
  std::vector<size_t> order(times.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return times[a].seconds != times[b].seconds ? times[a].seconds > times[b].seconds : a < b;
  });
  double total = 0;
  for (const Time &time : times)
    total += time.seconds;
  std::string table = fmt::format("{:>9} {:>6} {:>9} {:>9}  kernel\n", "seconds", "%", "launches", "GFLOP/s");
  for (size_t index : order)
    if (const Time &time = times[index]; time.launches > 0)
      table +=
          fmt::format("{:9.3f} {:6.1f} {:9} {:9.1f}  {}\n", time.seconds, 100 * time.seconds / total, time.launches,
                      static_cast<double>(module.raw.kernels[index].flops) * time.launches / time.seconds * 1e-9,
                      module.raw.kernels[index].name);
  return table;
}

static std::unique_ptr<Device> openCuda(const Module &module, int number, const DeviceOptions &options) {
  CudaDriver driver = CudaDriver::open();
  CudaGemm gemm;
  gemm.always = options.gemm == "cublaslt";
  try {
    if (options.gemm != "generated")
      gemm.library = CublasLt::open();
  } catch (const Error &) {
    if (gemm.always)
      throw;
  }
  return std::make_unique<CudaDevice>(module, driver, number, options.profile, gemm);
}

static std::unique_ptr<Device> openNamed(const Module &module, ThreadPool &pool, const DeviceOptions &options) {
  auto cpu = [&] { return std::make_unique<CpuDevice>(module, pool, options.isa, options.profile); };
  const std::string &name = options.name;
  bool forGpu = module.raw.gpu_image_count > 0;
  if (name == "cpu" || (name == "auto" && !forGpu))
    return cpu();
  if (name == "auto") {
    try {
      return openCuda(module, 0, options);
    } catch (const Error &reason) {
      fmt::print(stderr, "running on the CPU: {}\n", reason.what());
      return cpu();
    }
  }
  int number = 0;
  bool isCuda = name == "cuda";
  if (name.starts_with("cuda:")) {
    const char *first = name.data() + 5, *last = name.data() + name.size();
    auto [end, code] = std::from_chars(first, last, number);
    isCuda = code == std::errc() && end == last && number >= 0;
  }
  if (!isCuda && name != "emulated")
    fail("--device is '{}', wanted cpu, cuda, cuda:N, emulated or auto", name);
  if (!forGpu)
    fail("this program is compiled for the CPU only, so not for --device {}; compile it with --target=cpu,cuda", name);
  if (name == "emulated")
    return std::make_unique<EmulatedDevice>(module, pool.threadCount(), options.profile);
  return openCuda(module, number, options);
}

std::unique_ptr<Device> qfa::rt::openDevice(const Module &module, ThreadPool &pool, const DeviceOptions &options) {
  const std::string &gemm = options.gemm;
  if (gemm != "generated" && gemm != "cublaslt" && gemm != "auto")
    fail("--gemm is '{}', wanted generated, cublaslt or auto", gemm);
  std::unique_ptr<Device> device = openNamed(module, pool, options);
  if (gemm == "cublaslt" && !dynamic_cast<CudaDevice *>(device.get()))
    fail("--gemm cublaslt needs a CUDA device, found {}", device->describe());
  return device;
}
