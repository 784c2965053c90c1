// The thread pool: taking tiles, spinning and sleeping.
#include "core/ThreadPool.h"

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <set>
#include <string>

using namespace qfa::rt;

static constexpr int spins = 4000; // of a few nanoseconds each: longer than the gap between two launches of a step
static constexpr int tileBits = 32;
static constexpr uint64_t lastTile = (uint64_t{1} << tileBits) - 1;

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

int qfa::rt::availableCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  std::set<std::string> cores; // hyperthreads of one core have one list of siblings
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed))
      continue;
    std::string siblings;
    std::ifstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list") >> siblings;
    cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
  }
  return std::max<int>(1, cores.size());
}

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1, count = threads > 0 ? threads : availableCores(); thread < count; ++thread)
    workers.emplace_back([this, thread] { workerLoop(thread); });
}

ThreadPool::~ThreadPool() {
  stopping = true;
  wakeups.fetch_add(1);
  wakeups.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

// Takes half of this thread's share of what is left, again and again: large ranges first, single tiles at the end.
void ThreadPool::takeTiles(int thread) {
  uint64_t word = next.load(std::memory_order_acquire);
  for (;;) {
    Function function = jobFunction.load(std::memory_order_acquire);
    void *data = jobData.load(std::memory_order_acquire);
    int64_t tiles = jobTiles.load(std::memory_order_acquire), begin = word & lastTile;
    if (begin >= tiles)
      return;
    int64_t count = std::max<int64_t>(1, (tiles - begin) / (2 * threadCount()));
    if (!next.compare_exchange_weak(word, word + count, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    function(data, begin, begin + count, thread);
    if (done.fetch_add(count, std::memory_order_acq_rel) + count == tiles)
      done.notify_one();
    word = next.load(std::memory_order_acquire);
  }
}

void ThreadPool::run(int64_t tiles, Function function, void *data) {
  // The old job is closed before anything of the new one can be seen: who sees a part of the new one fails to swap.
  uint64_t job = (next.load(std::memory_order_relaxed) >> tileBits) + 1;
  next.store(job << tileBits | lastTile, std::memory_order_relaxed);
  jobFunction.store(function, std::memory_order_release);
  jobData.store(data, std::memory_order_release);
  jobTiles.store(tiles, std::memory_order_release);
  done.store(0, std::memory_order_release);
  next.store((job + 1) << tileBits, std::memory_order_release);
  wakeups.fetch_add(1, std::memory_order_release);
  wakeups.notify_all();
  takeTiles(0);
  for (int spin = 0; spin < spins && done.load(std::memory_order_acquire) != tiles; ++spin)
    relax();
  for (int64_t seen; (seen = done.load(std::memory_order_acquire)) != tiles;)
    done.wait(seen, std::memory_order_acquire);
}

void ThreadPool::workerLoop(int thread) {
  for (uint32_t seen = 0; !stopping.load(std::memory_order_acquire);) {
    uint32_t now = wakeups.load(std::memory_order_acquire);
    for (int spin = 0; spin < spins && now == seen; ++spin, now = wakeups.load(std::memory_order_acquire))
      relax();
    if (now == seen) {
      wakeups.wait(seen, std::memory_order_acquire);
      continue;
    }
    seen = now;
    takeTiles(thread);
  }
}
