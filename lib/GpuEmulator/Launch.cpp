// The blocks of a grid, one after another or shared out to host threads.
#include "qfa/GpuEmulator/Launch.h"

#include "qfa/GpuEmulator/Block.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <numeric>
#include <thread>

using namespace qfa::emu;

static std::string findLaunchError(const LaunchPlan &plan) {
  uint64_t threads = plan.block.count(), shared = uint64_t(plan.staticSharedBytes) + plan.dynamicSharedBytes;
  if (threads == 0 || plan.grid.count() == 0)
    return fmt::format("a grid of {} blocks of {} threads is empty", plan.grid.count(), threads);
  if (plan.grid.x > maxGrid.x || plan.grid.y > maxGrid.y || plan.grid.z > maxGrid.z)
    return fmt::format("a grid of {} x {} x {} blocks, wanted at most {} x {} x {}", plan.grid.x, plan.grid.y,
                       plan.grid.z, maxGrid.x, maxGrid.y, maxGrid.z);
  if (threads > maxBlockThreads)
    return fmt::format("{} threads a block, wanted at most {}", threads, maxBlockThreads);
  if (shared > maxSharedBytes)
    return fmt::format("{} bytes of shared memory a block, wanted at most {}", shared, maxSharedBytes);
  return "";
}

static std::vector<uint64_t> orderOfBlocks(const LaunchPlan &plan) {
  std::vector<uint64_t> order(plan.grid.count());
  std::iota(order.begin(), order.end(), 0);
  if (plan.options.schedule == Schedule::Reverse)
    std::reverse(order.begin(), order.end());
  if (plan.options.schedule == Schedule::Random)
    std::shuffle(order.begin(), order.end(), std::mt19937_64(plan.options.seed));
  return order;
}

static void add(Counters &sum, const Counters &part) {
  sum.blocks += part.blocks;
  sum.threads += part.threads;
  sum.switches += part.switches;
  sum.accesses += part.accesses;
  sum.warpOperations += part.warpOperations;
  sum.mmas += part.mmas;
}

Report qfa::emu::runGrid(const LaunchPlan &plan, Memory &memory) {
  Report report;
  report.kernel = plan.kernel;
  report.grid = plan.grid;
  report.block = plan.block;
  if (std::string error = findLaunchError(plan); !error.empty()) {
    report.fault.emplace().kind = "bad-launch";
    report.fault->message = error;
    return report;
  }
  const std::vector<uint64_t> order = orderOfBlocks(plan);
  std::atomic<size_t> next = 0;
  std::mutex merging;
  auto work = [&](bool first) {
    Block block(plan, memory, first && plan.options.traffic);
    for (size_t i; (i = next++) < order.size();) {
      uint64_t at = order[i];
      bool good = block.run({uint32_t(at % plan.grid.x), uint32_t(at / plan.grid.x % plan.grid.y),
                             uint32_t(at / plan.grid.x / plan.grid.y)});
      if (block.traffic) {
        report.traffic = block.traffic->rows();
        block.traffic.reset();
      }
      if (!good)
        next = order.size(); // the others stop too
    }
    std::lock_guard lock(merging);
    add(report.counters, block.counters);
    if (block.fault && !report.fault)
      report.fault = std::move(block.fault);
    memory.latestClock = std::max(memory.latestClock, block.latestClock());
  };
  // One shadow cannot serve two hosts at once.
  bool alone = plan.options.races || plan.options.uninitialised || plan.options.traffic;
  if (!plan.options.races && !plan.options.uninitialised)
    memory.trustAll();
  size_t workers = alone ? 1 : std::clamp<size_t>(plan.options.workers, 1, order.size());
  std::vector<std::thread> others;
  for (size_t i = 1; i < workers; ++i)
    others.emplace_back(work, false);
  work(true);
  for (std::thread &other : others)
    other.join();
  return report;
}
