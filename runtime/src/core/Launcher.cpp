// The launch function of the CPU.
#include "core/Launcher.h"

#include "support/Error.h"
#include "support/Isa.h"
#include "support/Usage.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

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

Launcher::Launcher(const Module &module, ThreadPool &pool, std::optional<qfa_isa_t> isa, bool profile)
    : module(module), pool(pool), wanted(chooseIsa(isa)) {
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
  if (profile)
    times.resize(functions.size());
}

void Launcher::launch(void *runtime, uint32_t kernel, void *const *args) {
  static_cast<Launcher *>(runtime)->run(kernel, args);
}

void Launcher::copy(void *, void *to, const void *from, int64_t bytes) { std::memcpy(to, from, bytes); }

void Launcher::run(uint32_t index, void *const *args) {
  const qfa_kernel_t &kernel = module.raw.kernels[index];
  double start = times.empty() ? 0 : wallSeconds();
  if (kernel.flops > 0 && kernel.flops < flopsWorthSharing)
    functions[index](args, 0, kernel.tiles, scratch[0].data());
  else
    pool.parallelFor(kernel.tiles, [&](int64_t begin, int64_t end, int thread) {
      functions[index](args, begin, end, scratch[thread].data());
    });
  ++launchCount;
  flopCount += kernel.flops;
  if (!times.empty()) {
    times[index].seconds += wallSeconds() - start;
    ++times[index].launches;
  }
}

std::string Launcher::profileTable() const {
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
