// Finds data races: one vector clock per warp, one record per byte of shared and global memory.
//
// A warp's clock counts its synchronisations. An access at clock c of warp v happened before what warp w does now if w
// has learnt of v's clock c at a barrier. Within a warp only bar.warp.sync (and stronger) orders lanes.
//
// Of the reads since the last write a byte remembers those that no later read is known to follow: a write that follows
// the later read follows them too. Nearly always they share one clock, and a bitmap of warps holds them; else they are
// spilled.
#ifndef QFA_GPUEMULATOR_SHADOW_H
#define QFA_GPUEMULATOR_SHADOW_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace qfa::emu {

constexpr uint32_t warpLanes = 32, maxWarps = 32;

class Clocks {
public:
  explicit Clocks(uint32_t latest = 0) : latest(latest), launch(latest + 1) {}

  // What another block did is never ordered with what this one does.
  void beginBlock(uint32_t warps);
  // All lanes of a warp have met.
  void step(uint32_t warp);
  // Warps of `from` told warps of `to` all they know; those of `to` go on.
  void meet(uint32_t from, uint32_t to);

  uint32_t of(uint32_t warp) const { return known[warp][warp]; }
  bool follows(uint32_t warp, uint32_t other, uint32_t clock) const {
    return warp == other ? clock < of(warp) : clock <= known[warp][other];
  }
  uint32_t blockBegin() const { return block; }
  uint32_t launchBegin() const { return launch; }
  uint32_t last() const { return latest; }

private:
  uint32_t known[maxWarps][maxWarps] = {}; // [warp][other]: the latest clock of other that warp knows of
  uint32_t warps = 0, latest, launch, block = 0;
};

// A fresh record is all zeros, so that shadow memory costs nothing until it is touched.
struct ShadowByte {
  uint32_t writeClock, writeSite;
  uint16_t writeThread, lastReader;
  bool written, atomicWrite, inFlight;
  bool spilled : 1, readByOtherBlock : 1;
  bool unfenced : 1;                        // written since its writer's last fence.proxy.async: the block keeps this
  uint32_t readClock, readWarps, readLanes; // lanes: of all those warps together
  uint32_t readSite;                        // of the last read
};

enum class Violation : uint8_t { None, InFlight, Uninitialised, ReadAfterWrite, WriteAfterWrite, WriteAfterRead };

struct ShadowAccess {
  uint32_t thread = 0, site = 0; // thread: linear index in its block
  bool reads = false, writes = false, atomic = false;
  bool global = false;
  bool checkRaces = true, checkWritten = true;
};

struct Conflict {
  Violation violation = Violation::None;
  size_t byte = 0;         // first offending byte of the access
  bool otherBlock = false; // with a thread of another block
  uint32_t thread = 0;     // the other thread
  uint32_t site = 0;       // the other instruction
};

class Shadow {
public:
  explicit Shadow(uint32_t latestClock = 0) : clocks(latestClock) {}
  void beginBlock(uint32_t warps) {
    clocks.beginBlock(warps);
    spilled.clear();
  }
  // Records the access; the first byte that violates an order ends it.
  Conflict access(ShadowByte *bytes, size_t count, const ShadowAccess &access);
  // A write whose order was checked before, when the copy was issued.
  void recordWrite(ShadowByte *bytes, size_t count, uint32_t thread, uint32_t site);

  Clocks clocks;

private:
  struct Readers {
    std::array<uint32_t, maxWarps> clock{}, lanes{};
  };
  bool concurrent(uint32_t thread, uint32_t other, uint32_t clock) const;
  bool findReader(ShadowByte &byte, const ShadowAccess &access, Conflict &conflict);
  void recordRead(ShadowByte &byte, const ShadowAccess &access);

  std::unordered_map<const ShadowByte *, Readers> spilled;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_SHADOW_H
