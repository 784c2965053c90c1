// One block of threads: schedules its fibers, lets warps and barriers meet, checks every access.
#ifndef QFA_GPUEMULATOR_BLOCK_H
#define QFA_GPUEMULATOR_BLOCK_H

#include "qfa/GpuEmulator/Async.h"
#include "qfa/GpuEmulator/Fiber.h"
#include "qfa/GpuEmulator/Launch.h"
#include "qfa/GpuEmulator/Traffic.h"
#include "qfa/GpuEmulator/Warp.h"

#include <random>

namespace qfa::emu {

class Block {
public:
  Block(const LaunchPlan &plan, Memory &memory, bool recordTraffic);
  ~Block();

  // False when a fault was found, and then no block may be run any more.
  bool run(Dim3 index);

  std::optional<Fault> fault;
  Counters counters;
  std::optional<Traffic> traffic;
  uint32_t latestClock() const { return shadow.clocks.last(); }

  // From here on for generated code, by way of the functions in Launch.h.
  void access(const Site &site, uint32_t thread, uint64_t address, uint64_t bytes, bool reads, bool writes);
  void operate(const Site &site, uint32_t thread, const void *in, void *out);
  void spend(uint32_t thread);
  void finish(uint32_t thread);
  const LaunchPlan &plan;

private:
  enum class State : uint8_t { Ready, InWarp, AtBarrier, Done };
  struct Thread {
    State state = State::Ready;
    const Site *site = nullptr; // where it waits
    Lane lane;                  // its operands there
    uint32_t mask = 0;          // of the collective, or the number of the barrier
    uint64_t slices = 0;        // of instructions used up
    AsyncGroups<AsyncCopy> copies;
    std::vector<std::pair<uint32_t, uint32_t>> unfenced; // offset, bytes: written since its last fence.proxy.async
  };
  struct Warp {
    uint32_t live = 0, waiting = 0;
    const Site *product = nullptr; // at which it waits for its warpgroup
    bool fenced = false;
    AsyncGroups<AsyncProduct> products;
  };
  struct Barrier {
    uint32_t expected = 0;
    std::vector<uint32_t> arrived, waiting;
  };

  void start(Dim3 index);
  void yield(uint32_t thread);
  void collective(const Site &site, uint32_t thread, const void *in, void *out, uint32_t mask);
  bool performCollective(const Site &site, uint32_t warp, uint32_t mask);
  void barrier(const Site &site, uint32_t thread, uint32_t number, uint32_t count, bool waits);
  void release(Barrier &barrier);
  void copyAsync(const Site &site, uint32_t thread, const void *in);
  void complete(uint32_t thread, const std::vector<AsyncCopy> &copies);

  // Products: BlockProducts.cpp.
  bool joinWarpgroup(const Site &site, uint32_t warp);
  void multiply(const Site &site, uint32_t warp);
  void readShared(const Site &site, uint32_t thread, uint32_t offset, AsyncProduct &product);
  void waitProducts(uint32_t warp, size_t groupsLeft);
  void markUnfenced(uint32_t thread, uint32_t offset, uint32_t bytes);
  void fenceProxy(uint32_t thread);

  // Faults: BlockFaults.cpp. They leave the fiber for ever.
  [[noreturn]] void fail(Fault found);
  [[noreturn]] void fail(const char *kind, std::string message, const Site *site, int thread,
                         std::optional<uint64_t> address = {}, std::vector<FaultNote> notes = {});
  [[noreturn]] void failConflict(const Conflict &conflict, const Site &site, uint32_t thread, uint64_t address,
                                 bool writes, bool global);
  void reportStandstill();
  Dim3 threadIndex(uint32_t thread) const;
  std::string threadName(uint32_t thread) const;
  std::string describe(uint64_t address);
  FaultNote lineOf(const Site &site, std::string text) const { return {std::move(text), site.where()}; }

  // Whose memory an address outside shared memory is; null for a thread's own stack and the parameters.
  Buffer *resolve(const Site &site, uint32_t thread, uint64_t address, uint64_t bytes, bool writes);

  Memory &memory;
  Shadow shadow;
  FiberStacks stacks;
  void *mapped = nullptr;
  std::byte *shared = nullptr; // maxSharedBytes, the same address for every block
  std::vector<ShadowByte> sharedShadow;
  uint32_t threadCount, warpCount, sharedBytes;
  const bool keepsOrder;  // of accesses: races, uninitialised bytes, copies in flight
  const bool hasProducts; // of warpgroups
  Dim3 index;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barrier barriers[16];
  Buffer *lastBuffer = nullptr;
  uint32_t doneThreads = 0;
  void *schedulerStack = nullptr;
  std::mt19937_64 random;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_BLOCK_H
