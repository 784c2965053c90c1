// Threads of a block as fibers: a stack each, a context that generated code finds from any address on that stack, a
// switch.
#ifndef QFA_GPUEMULATOR_FIBER_H
#define QFA_GPUEMULATOR_FIBER_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace qfa::emu {

class Block;

// What generated code reads is at fixed offsets: Intrinsics.def names the words, Retarget.cpp the rest.
struct FiberContext {
  uint32_t threadIndex[3], blockIndex[3], blockSize[3], gridSize[3];  // words 0 to 11
  uint32_t lane, warp, warps, dynamicSharedBytes, sharedBytes;        // words 12 to 16
  uint32_t lanesEqual, lanesLess, lanesUpTo, lanesGreater, lanesFrom; // words 17 to 21
  std::byte *shared;                                                  // byte 88: the block's shared memory
  int64_t instructionsLeft;                                           // byte 96: until the scheduler is asked

  Block *emulator; // from here on the run time's own
  uint32_t thread; // linear index in the block
  void *stackPointer;
};
static_assert(offsetof(FiberContext, shared) == 88 && offsetof(FiberContext, instructionsLeft) == 96);

constexpr uint64_t fiberStackBytes = 64 * 1024;
constexpr uint64_t fiberContextBytes = 256;
static_assert(sizeof(FiberContext) <= fiberContextBytes);
// Stacks are aligned to their size; without a shift by neighbours all their tops would share a few sets of the cache.
constexpr uint64_t fiberShiftMask = 31, fiberShiftBytes = 512;

// The same arithmetic as Retarget.cpp emits at the entry of every function.
inline FiberContext *fiberContextOf(uint64_t addressOnStack) {
  uint64_t base = addressOnStack & ~(fiberStackBytes - 1);
  uint64_t shift = (addressOnStack / fiberStackBytes & fiberShiftMask) * fiberShiftBytes;
  return reinterpret_cast<FiberContext *>(base + fiberStackBytes - fiberContextBytes - shift);
}

// Stacks with a guard page below each.
class FiberStacks {
public:
  FiberStacks() = default;
  FiberStacks(FiberStacks &&other) noexcept { *this = std::move(other); }
  FiberStacks &operator=(FiberStacks &&other) noexcept;
  ~FiberStacks();
  // At least that many; contexts may move. False when the host has no memory.
  bool grow(size_t count);
  FiberContext &context(size_t index) const;
  // The next switch to the fiber calls entry, which must not return.
  void prepare(size_t index, void (*entry)());
  // Whether the address is on the stack of that fiber.
  bool holds(size_t index, uint64_t address, uint64_t bytes) const;

  // Stacks that another block gave back, or none yet: making them anew for every launch takes longer than many a
  // launch.
  static FiberStacks take();
  static void giveBack(FiberStacks stacks);

private:
  std::byte *first = nullptr;
  void *mapped = nullptr;
  size_t mappedBytes = 0, count = 0;
};

} // namespace qfa::emu

// Saves the running fiber's stack pointer to *from and goes on where `to` was saved.
extern "C" void qfa_emu_switch(void **from, void *to);

#endif // QFA_GPUEMULATOR_FIBER_H
