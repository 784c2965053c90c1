// The order of accesses to a byte, in the manner of FastTrack: one last write, a small set of reads.
#include "qfa/GpuEmulator/Shadow.h"

#include <algorithm>
#include <bit>

using namespace qfa::emu;

void Clocks::beginBlock(uint32_t count) {
  warps = count;
  block = ++latest;
  for (uint32_t warp = 0; warp < warps; ++warp) {
    std::fill(known[warp], known[warp] + warps, block - 1);
    known[warp][warp] = block;
  }
}

void Clocks::step(uint32_t warp) { latest = std::max(latest, ++known[warp][warp]); }

void Clocks::meet(uint32_t from, uint32_t to) {
  std::array<uint32_t, maxWarps> joined{};
  uint32_t highest = 0;
  for (uint32_t warp = 0; warp < warps; ++warp)
    if ((from | to) >> warp & 1)
      highest = std::max(highest, of(warp));
  for (uint32_t warp = 0; warp < warps; ++warp)
    if (from >> warp & 1)
      for (uint32_t other = 0; other < warps; ++other)
        joined[other] = std::max(joined[other], known[warp][other]);
  for (uint32_t warp = 0; warp < warps; ++warp)
    if ((from | to) >> warp & 1) {
      if (to >> warp & 1)
        for (uint32_t other = 0; other < warps; ++other)
          known[warp][other] = std::max(known[warp][other], joined[other]);
      // All go on at one clock, so that a bitmap can hold the readers of the next phase.
      known[warp][warp] = highest + 1;
    }
  latest = std::max(latest, highest + 1);
}

bool Shadow::concurrent(uint32_t thread, uint32_t other, uint32_t clock) const {
  return clock < clocks.blockBegin() ||
         (thread != other && !clocks.follows(thread / warpLanes, other / warpLanes, clock));
}

bool Shadow::findReader(ShadowByte &byte, const ShadowAccess &access, Conflict &conflict) {
  uint32_t begin = access.global ? clocks.launchBegin() : clocks.blockBegin();
  if (byte.readClock < begin || !byte.readWarps)
    return false;
  conflict.thread = byte.lastReader;
  conflict.site = byte.readSite;
  conflict.otherBlock = byte.readClock < clocks.blockBegin() || byte.readByOtherBlock;
  if (conflict.otherBlock)
    return true;
  const Readers *many = byte.spilled ? &spilled[&byte] : nullptr;
  uint32_t mine = access.thread / warpLanes, myLane = 1u << access.thread % warpLanes;
  for (uint32_t rest = byte.readWarps; rest; rest &= rest - 1) {
    uint32_t warp = std::countr_zero(rest);
    uint32_t clock = many ? many->clock[warp] : byte.readClock, lanes = many ? many->lanes[warp] : byte.readLanes;
    if (warp == mine)
      lanes &= ~myLane;
    if (!lanes || clocks.follows(mine, warp, clock))
      continue;
    if (byte.lastReader / warpLanes != warp || byte.lastReader == access.thread)
      conflict.thread = warp * warpLanes + std::countr_zero(lanes);
    return true;
  }
  return false;
}

void Shadow::recordRead(ShadowByte &byte, const ShadowAccess &access) {
  uint32_t warp = access.thread / warpLanes, lane = 1u << access.thread % warpLanes, clock = clocks.of(warp);
  uint32_t begin = access.global ? clocks.launchBegin() : clocks.blockBegin();
  byte.lastReader = access.thread;
  byte.readSite = access.site;
  auto startAnew = [&] {
    byte.readClock = clock;
    byte.readWarps = 1u << warp;
    byte.readLanes = lane;
    byte.spilled = false;
  };
  if (byte.readClock < clocks.blockBegin() || !byte.readWarps) {
    if (byte.readClock < begin || !byte.readWarps)
      byte.readByOtherBlock = false;
    else
      byte.readByOtherBlock = true;
    return startAnew();
  }
  if (!byte.spilled && byte.readClock == clock) {
    byte.readWarps |= 1u << warp;
    byte.readLanes |= lane;
    return;
  }
  Readers *many = byte.spilled ? &spilled[&byte] : nullptr;
  // Forget the reads that this one follows.
  uint32_t left = 0;
  for (uint32_t rest = byte.readWarps; rest; rest &= rest - 1) {
    uint32_t other = std::countr_zero(rest);
    if (!clocks.follows(warp, other, many ? many->clock[other] : byte.readClock))
      left |= 1u << other;
  }
  if (!left)
    return startAnew();
  if (!many) {
    many = &(spilled[&byte] = {});
    for (uint32_t rest = byte.readWarps; rest; rest &= rest - 1) {
      many->clock[std::countr_zero(rest)] = byte.readClock;
      many->lanes[std::countr_zero(rest)] = byte.readLanes;
    }
    byte.spilled = true;
  }
  many->lanes[warp] = (left >> warp & 1) ? many->lanes[warp] | lane : lane;
  many->clock[warp] = clock;
  byte.readWarps = left | 1u << warp;
  byte.readClock = clock; // any of this block
}

void Shadow::recordWrite(ShadowByte *bytes, size_t count, uint32_t thread, uint32_t site) {
  for (ShadowByte *byte = bytes; byte != bytes + count; ++byte) {
    byte->writeClock = clocks.of(thread / warpLanes);
    byte->writeSite = site;
    byte->writeThread = thread;
    byte->written = true;
    byte->atomicWrite = byte->inFlight = false;
    byte->readWarps = 0;
  }
}

Conflict Shadow::access(ShadowByte *bytes, size_t count, const ShadowAccess &access) {
  uint32_t begin = access.global ? clocks.launchBegin() : clocks.blockBegin();
  for (size_t i = 0; i < count; ++i) {
    ShadowByte &byte = bytes[i];
    Conflict conflict;
    conflict.byte = i;
    conflict.thread = byte.writeThread;
    conflict.site = byte.writeSite;
    auto found = [&](Violation violation) {
      conflict.violation = violation;
      return conflict;
    };
    if (byte.inFlight)
      return found(Violation::InFlight);
    // Shared memory holds nothing when a block begins; global memory keeps what earlier launches wrote.
    bool written = access.global ? byte.written : byte.writeClock >= begin;
    if (access.reads && access.checkWritten && !written)
      return found(Violation::Uninitialised);
    if (access.checkRaces) {
      if (byte.writeClock >= begin && !(access.atomic && byte.atomicWrite) &&
          concurrent(access.thread, byte.writeThread, byte.writeClock)) {
        conflict.otherBlock = byte.writeClock < clocks.blockBegin();
        return found(access.writes ? Violation::WriteAfterWrite : Violation::ReadAfterWrite);
      }
      if (access.writes && findReader(byte, access, conflict))
        return found(Violation::WriteAfterRead);
      if (access.reads && !access.writes && !access.atomic)
        recordRead(byte, access);
    }
    if (access.writes) {
      recordWrite(&byte, 1, access.thread, access.site);
      byte.atomicWrite = access.atomic;
    }
  }
  return {};
}
