// From a kernel's arguments to the parameters of its functions.
#include "device/GpuDevice.h"

#include <algorithm>
#include <cstdlib>

using namespace qfa::rt;

std::string qfa::rt::archOf(const qfa_gpu_image_t &image) {
  return std::to_string(image.arch) + (image.feature ? std::string(1, static_cast<char>(image.feature)) : "");
}

std::optional<std::string> qfa::rt::wantedArch() {
  const char *wanted = std::getenv("QFA_GPU_ARCH");
  return wanted && *wanted ? std::optional<std::string>(wanted) : std::nullopt;
}

static int64_t largestWorkspace(const Module &module, const qfa_gpu_image_t &image) {
  int64_t bytes = 0;
  for (int64_t kernel = 0; kernel < module.raw.kernel_count; ++kernel)
    bytes = std::max(bytes, image.kernels[kernel].workspace_bytes);
  return bytes;
}

int64_t GpuDevice::workspaceBytes(const Module &module) {
  int64_t bytes = 0;
  for (int64_t i = 0; i < module.raw.gpu_image_count; ++i)
    bytes = std::max(bytes, largestWorkspace(module, module.raw.gpu_images[i]));
  return 2 * bytes;
}

void GpuDevice::prepare(const qfa_gpu_image_t &image) {
  kernels = image.kernels;
  for (int64_t kernel = 0; kernel < module.raw.kernel_count; ++kernel) {
    std::vector<void *> &found = functions.emplace_back();
    for (int64_t i = 0; i < kernels[kernel].launch_count; ++i)
      found.push_back(findFunction(kernels[kernel].launches[i]));
  }
  for (DeviceMemory &workspace : workspaces)
    workspace = DeviceMemory(*this, "workspace", largestWorkspace(module, image));
}

void GpuDevice::releaseWorkspaces() {
  for (DeviceMemory &workspace : workspaces)
    workspace = DeviceMemory();
}

void GpuDevice::runEntry(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) {
  turn = 0;
  failure = nullptr;
  beginEntry();
  entry.function(&context, io);
  if (failure) // before endEntry, which may fail for the same reason in other words
    std::rethrow_exception(failure);
  endEntry();
}

void GpuDevice::run(const qfa_entry_t &entry, const qfa_context_t &context, void *const *io) {
  runEntry(entry, context, io);
}

void GpuDevice::launch(uint32_t kernel, void *const *args) noexcept {
  if (failure)
    return;
  try {
    const qfa_gpu_kernel_t &row = kernels[kernel];
    void *workspace = workspaces[turn].data();
    std::vector<void *> parameters;
    for (int64_t i = 0; i < row.pointer_count; ++i)
      parameters.push_back(const_cast<void **>(&args[i]));
    parameters.push_back(&workspace);
    parameters.push_back(nullptr);
    beginKernel(kernel, turn);
    for (int64_t i = 0; i < row.launch_count; ++i) {
      int64_t argument = row.launches[i].argument;
      parameters.back() = &argument;
      launchFunction(functions[kernel][i], row.launches[i], parameters, turn);
    }
    endKernel(kernel, turn);
    turn = 1 - turn;
  } catch (...) {
    failure = std::current_exception();
  }
}

void GpuDevice::copy(void *to, const void *from, int64_t bytes) noexcept {
  if (failure)
    return;
  try {
    copyOnDevice(to, from, bytes);
  } catch (...) {
    failure = std::current_exception();
  }
}
