// Tiles of kernels on the threads of the pool.
#include "device/CpuDevice.h"

#include "support/Error.h"
#include "support/Isa.h"
#include "support/Usage.h"

#include <cstdlib>
#include <cstring>

using namespace qfa::rt;

// Below this, waking another thread costs more than it brings.
static constexpr int64_t flopsWorthSharing = 20000;

static qfa_isa_t chooseIsa(std::optional<qfa_isa_t> asked) {
  if (const char *variable = std::getenv("QFA_ISA"); !asked && variable && *variable)
    asked = parseIsa(variable);
  if (asked && *asked > hostIsa())
    fail("this processor lacks {}, its best is {}", isaName(*asked), isaName(hostIsa()));
  return asked.value_or(hostIsa());
}

CpuDevice::CpuDevice(const Module &module, ThreadPool &pool, std::optional<qfa_isa_t> isa, bool profile)
    : Device(module, profile), pool(pool), wanted(chooseIsa(isa)) {
  int64_t scratchBytes = 0;
  for (const qfa_kernel_t &kernel : module.kernels()) {
    int set = std::min<int>(wanted, module.raw.isa_count - 1);
    while (!kernel.functions[set])
      --set;
    functions.push_back(kernel.functions[set]);
    scratchBytes = std::max(scratchBytes, kernel.scratch_bytes);
  }
  for (int thread = 0; thread < pool.threadCount(); ++thread)
    scratch.emplace_back(scratchBytes);
}

std::string CpuDevice::describe() const {
  return fmt::format("cpu ({}, {} threads)", isaName(wanted), pool.threadCount());
}

void *CpuDevice::allocate(const char *, uint64_t bytes) {
  Memory memory(bytes);
  void *start = memory.data();
  memories[start] = std::move(memory);
  return start;
}

void CpuDevice::release(void *memory) { memories.erase(memory); }

void CpuDevice::upload(void *to, const void *from, uint64_t bytes) { std::memcpy(to, from, bytes); }

void CpuDevice::clear(void *memory, uint64_t bytes) {
  constexpr uint64_t part = 1 << 20;
  pool.parallelFor(static_cast<int64_t>((bytes + part - 1) / part), [&](int64_t begin, int64_t end, int) {
    std::memset(static_cast<char *>(memory) + begin * part, 0, std::min(end * part, bytes) - begin * part);
  });
}

void CpuDevice::copy(void *to, const void *from, int64_t bytes) noexcept { std::memcpy(to, from, bytes); }

void CpuDevice::launch(uint32_t index, void *const *args) noexcept {
  const qfa_kernel_t &kernel = module.raw.kernels[index];
  double start = profiles() ? wallSeconds() : 0;
  if (kernel.flops > 0 && kernel.flops < flopsWorthSharing)
    functions[index](args, 0, kernel.tiles, scratch[0].data());
  else
    pool.parallelFor(kernel.tiles, [&](int64_t begin, int64_t end, int thread) {
      functions[index](args, begin, end, scratch[thread].data());
    });
  count(index, profiles() ? wallSeconds() - start : 0);
}
