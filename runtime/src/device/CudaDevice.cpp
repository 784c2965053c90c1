// Streams, events and graphs. Early launches go to a side stream, so that weights of the next layer are dequantized
// while the product of this one runs:
//
//   main  ... kernel i (workspace 0) | wait earlyDone[1] | kernel i + 1 (workspace 1) | record workspaceFree[1] ...
//   side  wait workspaceFree[1] | early launches of kernel i + 1 | record earlyDone[1] ...
#include "device/CudaDevice.h"

#include "support/Error.h"
#include "support/Usage.h"

#include <algorithm>
#include <cstring>
#include <tuple>

using namespace qfa::rt;

static constexpr uint64_t stagingBytes = 8 << 20;

// Below, a product takes about as long as its launch, whoever makes it.
static constexpr double largeProductFlops = 1e9;

static constexpr int oldestVersion = 12000; // that takes PTX 8.0
static std::string versionText(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

static cuda::DevicePtr address(const void *memory) { return reinterpret_cast<cuda::DevicePtr>(memory); }

CudaDevice::CudaDevice(const Module &module, const CudaDriver &driver, int ordinal, bool profile, const CudaGemm &gemm)
    : GpuDevice(module, profile), driver(driver),
      slabs(
          [this](uint64_t bytes) {
            cuda::DevicePtr memory = 0;
            lastAllocation = this->driver.memAlloc(&memory, bytes);
            return lastAllocation == 0 ? memory : 0;
          },
          [this](cuda::DevicePtr memory) { this->driver.memFree(memory); }) {
  try {
    open(ordinal);
    openProducts(gemm);
    prepare(loadImage());
  } catch (...) {
    close();
    throw;
  }
}

CudaDevice::~CudaDevice() {
  if (main)
    driver.streamSynchronize(main);
  close();
}

void CudaDevice::open(int ordinal) {
  driver.check(driver.init(0), "cuInit");
  int version = 0, count = 0, major = 0, minor = 0;
  driver.check(driver.driverGetVersion(&version), "cuDriverGetVersion");
  if (version < oldestVersion)
    fail("the NVIDIA driver is for CUDA {}, wanted {} or later", versionText(version), versionText(oldestVersion));
  driver.check(driver.deviceGetCount(&count), "cuDeviceGetCount");
  if (ordinal >= count)
    fail("no CUDA device {}: this machine has {}", ordinal, count);
  driver.check(driver.deviceGet(&device, ordinal), "cuDeviceGet");
  char text[256] = "";
  driver.check(driver.deviceGetName(text, sizeof text, device), "cuDeviceGetName");
  driver.check(driver.deviceGetAttribute(&major, cuda::computeCapabilityMajor, device), "cuDeviceGetAttribute");
  driver.check(driver.deviceGetAttribute(&minor, cuda::computeCapabilityMinor, device), "cuDeviceGetAttribute");
  name = fmt::format("cuda:{} ({}, sm_{}{}, driver for CUDA {})", ordinal, text, major, minor, versionText(version));
  arch = major * 10 + minor;
  cuda::Context context = nullptr;
  driver.check(driver.primaryContextRetain(&context, device), "cuDevicePrimaryCtxRetain");
  retained = true;
  driver.check(driver.contextSetCurrent(context), "cuCtxSetCurrent");
  driver.check(driver.streamCreate(&main, cuda::streamNonBlocking), "cuStreamCreate");
  driver.check(driver.streamCreate(&side, cuda::streamNonBlocking), "cuStreamCreate");
  entryBegins = makeEvent();
  sideEnds = makeEvent();
  for (int i = 0; i < 2; ++i) {
    earlyDone[i] = makeEvent();
    workspaceFree[i] = makeEvent();
    staging[i].done = makeEvent();
    driver.check(driver.memHostAlloc(&staging[i].memory, stagingBytes, 0), "cuMemHostAlloc");
    record(staging[i].done, main);
  }
}

void CudaDevice::openProducts(const CudaGemm &gemm) {
  if (!gemm.library)
    return;
  try {
    products.emplace(*gemm.library, std::string_view(module.raw.gpu_precision) == "bf16");
    productWorkspace = DeviceMemory(*this, "cuBLASLt", CublasProducts::workspaceBytes);
    products->setWorkspace(productWorkspace.data());
  } catch (const Error &) {
    products.reset();
    if (gemm.always)
      throw;
  }
  leastProductFlops = gemm.always ? 0 : largeProductFlops;
}

void CudaDevice::close() {
  releaseWorkspaces();
  products.reset();
  productWorkspace = DeviceMemory();
  for (auto &[entry, graph] : graphs)
    if (graph.launchable)
      driver.graphExecDestroy(graph.launchable);
  for (Staging &part : staging)
    if (part.memory)
      driver.memFreeHost(part.memory);
  for (cuda::Event event : events)
    driver.eventDestroy(event);
  for (cuda::Stream stream : {main, side})
    if (stream)
      driver.streamDestroy(stream);
  if (loaded)
    driver.moduleUnload(loaded);
  if (retained)
    driver.primaryContextRelease(device);
}

static int largestDynamicShared(const qfa_module_t &module, const qfa_gpu_image_t &image) {
  int bytes = 0;
  for (int64_t kernel = 0; kernel < module.kernel_count; ++kernel)
    for (int64_t i = 0; i < image.kernels[kernel].launch_count; ++i)
      bytes = std::max(bytes, image.kernels[kernel].launches[i].dynamic_shared_bytes);
  return bytes;
}

static bool runsOn(const qfa_gpu_image_t &image, int arch) {
  if (image.feature == 'a')
    return image.arch == arch;
  bool needsGeneration = image.kind == QFA_GPU_CUBIN || image.feature;
  return image.arch <= arch && (image.arch / 10 == arch / 10 || !needsGeneration);
}

static std::string codeOf(const qfa_gpu_image_t &image) {
  return fmt::format("{} for sm_{}", image.kind == QFA_GPU_PTX ? "PTX" : "machine code", archOf(image));
}

void CudaDevice::load(const qfa_gpu_image_t &image) {
  std::string log(4096, '\0'); // what the driver's compiler says of PTX
  int options[] = {cuda::errorLog, cuda::errorLogBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  cuda::Result result = driver.moduleLoadDataEx(&loaded, image.data, 2, options, values);
  log.resize(std::strlen(log.c_str()));
  try {
    driver.check(result, "cuModuleLoadDataEx", "of the " + codeOf(image));
  } catch (const Error &error) {
    if (log.empty())
      throw;
    fail("{}: {}", error.what(), log);
  }
  code = codeOf(image);
}

// Machine code of the newest architecture of the device's generation, else PTX, which the driver compiles. A newer
// device may have less shared memory than the architecture that an image is for, and a driver older than the toolkit
// may refuse machine code: then the next best serves.
const qfa_gpu_image_t &CudaDevice::loadImage() {
  const std::optional<std::string> wanted = wantedArch();
  std::vector<const qfa_gpu_image_t *> images;
  std::vector<std::string> archs;
  int sharedBytes = 0;
  driver.check(driver.deviceGetAttribute(&sharedBytes, cuda::largestSharedBytesOfABlock, device),
               "cuDeviceGetAttribute");
  for (int64_t i = 0; i < module.raw.gpu_image_count; ++i) {
    const qfa_gpu_image_t &image = module.raw.gpu_images[i];
    if (image.kind == QFA_GPU_BITCODE || (wanted && archOf(image) != wanted))
      continue;
    if (runsOn(image, arch) && largestDynamicShared(module.raw, image) <= sharedBytes)
      images.push_back(&image);
    if (std::string text = archOf(image); std::find(archs.begin(), archs.end(), text) == archs.end())
      archs.push_back(text);
  }
  if (images.empty() && wanted)
    fail("{} runs none of this program's GPU code for sm_{}, which QFA_GPU_ARCH names", name, *wanted);
  if (images.empty())
    fail("{} runs none of this program's GPU code, which is for sm_{}: --gpu-arch makes other, for 80 or later", name,
         fmt::join(archs, ", sm_"));
  auto rank = [](const qfa_gpu_image_t *image) {
    int ownness = image->feature == 'a' ? 2 : image->feature ? 1 : 0;
    return std::tuple(image->kind == QFA_GPU_CUBIN, image->arch, ownness);
  };
  std::sort(images.begin(), images.end(), [&](auto *a, auto *b) { return rank(a) > rank(b); });
  std::string reasons;
  for (const qfa_gpu_image_t *image : images)
    try {
      load(*image);
      return *image;
    } catch (const Error &error) {
      reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
    }
  fail("{} loads none of this program's GPU code: {}", name, reasons);
}

cuda::Event CudaDevice::makeEvent() {
  cuda::Event event = nullptr;
  driver.check(driver.eventCreate(&event, cuda::eventDisableTiming), "cuEventCreate");
  events.push_back(event);
  return event;
}

void CudaDevice::record(cuda::Event event, cuda::Stream stream) {
  driver.check(driver.eventRecord(event, stream), "cuEventRecord");
}

void CudaDevice::wait(cuda::Stream stream, cuda::Event event) {
  driver.check(driver.streamWaitEvent(stream, event, cuda::eventWaitDefault), "cuStreamWaitEvent");
}

std::string CudaDevice::describe() const {
  std::string text = fmt::format("{}, {}", name, code);
  return products
             ? fmt::format("{}, {}products by {}", text, leastProductFlops > 0 ? "large " : "", products->describe())
             : text;
}

void *CudaDevice::allocate(const char *what, uint64_t bytes) {
  cuda::DevicePtr memory = slabs.allocate(bytes);
  if (!memory)
    driver.check(lastAllocation, "cuMemAlloc", fmt::format("of {} bytes for {}", bytes, what));
  return reinterpret_cast<void *>(memory);
}

void CudaDevice::release(void *memory) { slabs.release(address(memory)); }

std::optional<uint64_t> CudaDevice::freeBytes() const {
  size_t free = 0, total = 0;
  driver.check(driver.memGetInfo(&free, &total), "cuMemGetInfo");
  return free + slabs.spareBytes();
}

void CudaDevice::upload(void *to, const void *from, uint64_t bytes) {
  int part = 0;
  for (uint64_t done = 0; done < bytes; done += stagingBytes, part = 1 - part) {
    uint64_t count = std::min(bytes - done, stagingBytes);
    driver.check(driver.eventSynchronize(staging[part].done), "cuEventSynchronize");
    std::memcpy(staging[part].memory, static_cast<const char *>(from) + done, count);
    driver.check(driver.memcpyHtoDAsync(address(to) + done, staging[part].memory, count, main), "cuMemcpyHtoDAsync",
                 fmt::format("of {} bytes", count));
    record(staging[part].done, main);
  }
}

void CudaDevice::download(void *to, const void *from, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes; done += stagingBytes) {
    uint64_t count = std::min(bytes - done, stagingBytes);
    driver.check(driver.eventSynchronize(staging[0].done), "cuEventSynchronize");
    driver.check(driver.memcpyDtoHAsync(staging[0].memory, address(from) + done, count, main), "cuMemcpyDtoHAsync",
                 fmt::format("of {} bytes", count));
    driver.check(driver.streamSynchronize(main), "cuStreamSynchronize");
    std::memcpy(static_cast<char *>(to) + done, staging[0].memory, count);
  }
}

void CudaDevice::clear(void *memory, uint64_t bytes) {
  if (bytes > 0)
    driver.check(driver.memsetD8Async(address(memory), 0, bytes, main), "cuMemsetD8Async");
}

void *CudaDevice::findFunction(const qfa_gpu_launch_t &launch) {
  cuda::Function found = nullptr;
  std::string purpose = fmt::format("of '{}'", launch.function);
  driver.check(driver.moduleGetFunction(&found, loaded, launch.function), "cuModuleGetFunction", purpose);
  if (launch.dynamic_shared_bytes > 0) // beyond 48 KiB a function has to ask
    driver.check(driver.functionSetAttribute(found, cuda::largestDynamicSharedBytes, launch.dynamic_shared_bytes),
                 "cuFuncSetAttribute", purpose);
  return found;
}

cuda::GraphExec CudaDevice::capture(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) {
  cuda::Graph captured = nullptr;
  cuda::GraphExec launchable = nullptr;
  // Relaxed: a library may load or allocate what other modes refuse.
  driver.check(driver.streamBeginCapture(main, cuda::captureRelaxed), "cuStreamBeginCapture");
  try {
    runEntry(entry, context, io);
  } catch (...) {
    if (driver.streamEndCapture(main, &captured) == 0 && captured)
      driver.graphDestroy(captured);
    throw;
  }
  driver.check(driver.streamEndCapture(main, &captured), "cuStreamEndCapture");
  cuda::Result result = driver.graphInstantiate(&launchable, captured, 0);
  driver.graphDestroy(captured);
  driver.check(result, "cuGraphInstantiate", fmt::format("of '{}'", entry.name));
  return launchable;
}

// The first time launches go one by one: kernels are loaded, and cuBLASLt chooses its algorithms, which some of its
// versions do not do while a stream is captured.
void CudaDevice::run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) {
  auto [found, isFirst] = graphs.try_emplace(&entry);
  Graph &graph = found->second;
  if (profiles() || isFirst || graph.refused) {
    try {
      return runEntry(entry, context, io);
    } catch (...) {
      if (isFirst)
        graphs.erase(found);
      throw;
    }
  }
  if (!graph.launchable)
    try {
      graph.launchable = capture(entry, context, io);
    } catch (const Error &error) {
      fmt::print(stderr, "'{}' becomes no CUDA graph, its kernels are launched one by one: {}\n", entry.name,
                 error.what());
      graph.refused = true;
      return runEntry(entry, context, io);
    }
  driver.check(driver.graphLaunch(graph.launchable, main), "cuGraphLaunch", fmt::format("of '{}'", entry.name));
}

void CudaDevice::forget(const qfa_entry_t &entry) {
  auto found = graphs.find(&entry);
  if (found == graphs.end())
    return;
  driver.streamSynchronize(main);
  if (found->second.launchable)
    driver.graphExecDestroy(found->second.launchable);
  graphs.erase(found);
}

void CudaDevice::beginEntry() {
  sideStarted = false;
  wasUsed[0] = wasUsed[1] = false;
  record(entryBegins, main);
}

// A capture ends in the stream where it began: the side stream has to come back.
void CudaDevice::endEntry() {
  if (!sideStarted)
    return;
  record(sideEnds, side);
  wait(main, sideEnds);
}

void CudaDevice::beginKernel(uint32_t, int) {
  mustWait = false;
  kernelStart = profiles() ? wallSeconds() : 0;
}

// Whether the library has made the launch's products.
bool CudaDevice::multiply(const qfa_gpu_launch_t &launch, std::span<void *> parameters) {
  if (!products)
    return false;
  double flops = 0;
  for (int64_t i = 0; i < launch.product_count; ++i) {
    const qfa_gpu_product_t &product = launch.products[i];
    flops += 2.0 * static_cast<double>(product.m) * static_cast<double>(product.n) * static_cast<double>(product.k);
  }
  if (flops < leastProductFlops)
    return false;
  std::vector<void *> pointers; // the kernel's, then the workspace
  for (void *parameter : parameters.first(parameters.size() - 1))
    pointers.push_back(*static_cast<void **>(parameter));
  return products->run(launch, pointers, main);
}

void CudaDevice::launchFunction(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters,
                                int turn) {
  bool early = launch.early && !profiles();
  if (early && !mustWait) {
    if (!sideStarted)
      wait(side, entryBegins);
    if (wasUsed[turn])
      wait(side, workspaceFree[turn]);
    sideStarted = true;
  } else if (!early && mustWait) {
    record(earlyDone[turn], side);
    wait(main, earlyDone[turn]);
  }
  mustWait = early;
  if (!early && multiply(launch, parameters))
    return;
  driver.check(driver.launchKernel(static_cast<cuda::Function>(function), launch.grid[0], launch.grid[1],
                                   launch.grid[2], launch.block, 1, 1, launch.dynamic_shared_bytes, early ? side : main,
                                   parameters.data(), nullptr),
               "cuLaunchKernel", fmt::format("of '{}'", launch.function));
}

void CudaDevice::endKernel(uint32_t kernel, int turn) {
  double seconds = 0;
  if (profiles()) {
    driver.check(driver.streamSynchronize(main), "cuStreamSynchronize",
                 fmt::format("after kernel '{}'", module.raw.kernels[kernel].name));
    seconds = wallSeconds() - kernelStart;
  } else {
    record(workspaceFree[turn], main);
    wasUsed[turn] = true;
  }
  count(kernel, seconds);
}

void CudaDevice::copyOnDevice(void *to, const void *from, int64_t bytes) {
  driver.check(driver.memcpyDtoDAsync(address(to), address(from), bytes, main), "cuMemcpyDtoDAsync");
}
