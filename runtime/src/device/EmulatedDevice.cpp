// The emulator behind the device interface.
#include "device/EmulatedDevice.h"

#include "support/Error.h"
#include "support/Usage.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <utility>

using namespace qfa::rt;

EmulatorLibrary EmulatorLibrary::open() {
  constexpr const char *name = "libqfa_gpu_emulator.so";
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL); // programs look for it where they were compiled
  if (!handle)
    fail("no emulator of GPUs: {}", dlerror());
  EmulatorLibrary library;
  auto find = [&](auto &function, const char *symbol) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, symbol));
    if (!function)
      fail("{} lacks {}: it belongs to another version", name, symbol);
  };
  find(library.create, "qfa_emulator_create");
  find(library.destroy, "qfa_emulator_destroy");
  find(library.allocate, "qfa_emulator_allocate");
  find(library.free, "qfa_emulator_free");
  find(library.markWritten, "qfa_emulator_mark_written");
  find(library.load, "qfa_emulator_load");
  find(library.launch, "qfa_emulator_launch");
  find(library.error, "qfa_emulator_error");
  return library;
}

static qfa_emulator_options_t readEnvironment(int workers) {
  qfa_emulator_options_t options = {QFA_EMULATOR_VERSION, 0, static_cast<uint32_t>(workers), 0, 0};
  const char *checks = std::getenv("QFA_EMULATOR_CHECKS"), *schedule = std::getenv("QFA_EMULATOR_SCHEDULE");
  options.checks = checks && std::strcmp(checks, "0") != 0 && *checks;
  if (!schedule || !*schedule || !std::strcmp(schedule, "forward"))
    return options;
  options.schedule = std::strcmp(schedule, "reverse") ? 2 : 1;
  char *end = nullptr;
  options.seed = std::strtoull(schedule, &end, 10);
  if (options.schedule == 2 && *end)
    fail("QFA_EMULATOR_SCHEDULE is '{}', wanted forward, reverse or a number", schedule);
  return options;
}

static const qfa_gpu_image_t &chooseBitcode(const Module &module) {
  std::vector<const qfa_gpu_image_t *> images; // lowest architecture first
  std::vector<std::string> archs;
  for (int64_t i = 0; i < module.raw.gpu_image_count; ++i)
    if (module.raw.gpu_images[i].kind == QFA_GPU_BITCODE) {
      images.push_back(&module.raw.gpu_images[i]);
      archs.push_back(archOf(*images.back()));
    }
  if (images.empty())
    fail("this program holds no bitcode for the emulated device");
  std::optional<std::string> wanted = wantedArch();
  if (!wanted)
    return *images.front();
  auto found = std::find(archs.begin(), archs.end(), *wanted);
  if (found == archs.end())
    fail("QFA_GPU_ARCH is '{}', wanted what this program has bitcode for: {}", *wanted, fmt::join(archs, ", "));
  return *images[found - archs.begin()];
}

EmulatedDevice::EmulatedDevice(const Module &module, int workers, bool profile, std::optional<EmulatorLibrary> given)
    : GpuDevice(module, profile), bitcode(chooseBitcode(module)), library(given ? *given : EmulatorLibrary::open()),
      options(readEnvironment(workers)) {
  emulator = library.create(&options);
  if (!emulator)
    fail("the emulator of GPUs is of another version than {}", QFA_EMULATOR_VERSION);
  loaded = library.load(emulator, bitcode.data, bitcode.bytes);
  if (!loaded) {
    std::string reason = library.error(emulator);
    library.destroy(emulator);
    fail("the emulator cannot run this program: {}", reason);
  }
  prepare(bitcode);
}

EmulatedDevice::~EmulatedDevice() {
  releaseWorkspaces();
  library.destroy(emulator);
}

std::string EmulatedDevice::describe() const {
  return fmt::format("emulated GPU ({})", options.checks ? "all checks" : fmt::format("{} threads", options.workers));
}

void *EmulatedDevice::allocate(const char *what, uint64_t bytes) {
  void *memory = library.allocate(emulator, what, bytes);
  if (!memory)
    fail("no memory for {} bytes of {} on the emulated device", bytes, what);
  return memory;
}

void EmulatedDevice::release(void *memory) { library.free(emulator, memory); }

void EmulatedDevice::upload(void *to, const void *from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
  library.markWritten(emulator, to, bytes);
}

void EmulatedDevice::download(void *to, const void *from, uint64_t bytes) { std::memcpy(to, from, bytes); }

void EmulatedDevice::clear(void *memory, uint64_t bytes) {
  std::memset(memory, 0, bytes);
  library.markWritten(emulator, memory, bytes);
}

void EmulatedDevice::beginEntry() {
  delayed.clear(); // left by an entry that failed
  current.clear();
}

void EmulatedDevice::beginKernel(uint32_t, int) { kernelStart = profiles() ? wallSeconds() : 0; }

void EmulatedDevice::launchFunction(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters, int) {
  if (launch.early || profiles())
    return launchNow(function, launch, parameters);
  current.push_back({function, &launch, {}});
  for (void *parameter : parameters)
    std::memcpy(&current.back().values.emplace_back(), parameter, sizeof(void *));
}

void EmulatedDevice::runDelayed() {
  for (Delayed &one : std::exchange(delayed, {})) {
    std::vector<void *> parameters;
    for (void *&value : one.values)
      parameters.push_back(&value);
    launchNow(one.function, *one.launch, parameters);
  }
}

void EmulatedDevice::launchNow(void *function, const qfa_gpu_launch_t &launch, std::span<void *> parameters) {
  uint32_t grid[3] = {static_cast<uint32_t>(launch.grid[0]), static_cast<uint32_t>(launch.grid[1]),
                      static_cast<uint32_t>(launch.grid[2])};
  uint32_t block[3] = {static_cast<uint32_t>(launch.block), 1, 1};
  if (library.launch(emulator, loaded, static_cast<const char *>(function), grid, block, launch.dynamic_shared_bytes,
                     parameters.data()) != 0)
    fail("kernel '{}' on the emulated device: {}", launch.function, library.error(emulator));
}

void EmulatedDevice::endKernel(uint32_t kernel, int) {
  runDelayed();
  delayed = std::exchange(current, {});
  count(kernel, profiles() ? wallSeconds() - kernelStart : 0);
}

void EmulatedDevice::copyOnDevice(void *to, const void *from, int64_t bytes) {
  runDelayed();
  upload(to, from, bytes);
}
