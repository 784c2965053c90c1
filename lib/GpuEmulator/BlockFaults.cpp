// How a block words what it found.
#include "qfa/GpuEmulator/Block.h"

#include <fmt/format.h>
#include <map>

using namespace qfa::emu;

Dim3 Block::threadIndex(uint32_t thread) const {
  return {thread % plan.block.x, thread / plan.block.x % plan.block.y, thread / plan.block.x / plan.block.y};
}

std::string Block::threadName(uint32_t thread) const {
  Dim3 at = threadIndex(thread);
  return fmt::format("thread ({},{},{}) [warp {} lane {}]", at.x, at.y, at.z, thread / warpLanes, thread % warpLanes);
}

std::string Block::describe(uint64_t address) {
  int64_t offset = address - uint64_t(shared);
  if (offset < -int64_t(maxSharedBytes) || offset >= int64_t(maxSharedBytes))
    return memory.describe(address);
  for (const SharedVariable &variable : *plan.sharedVariables)
    if (offset >= variable.offset && offset < int64_t(variable.offset) + variable.bytes)
      return fmt::format("shared variable '{}'+{} of {} bytes", variable.name, offset - variable.offset,
                         variable.bytes);
  return fmt::format("shared memory{:+} of {} bytes", offset, sharedBytes);
}

void Block::fail(Fault found) {
  fault = std::move(found);
  void *abandoned;
  qfa_emu_switch(&abandoned, schedulerStack);
  __builtin_unreachable();
}

void Block::fail(const char *kind, std::string message, const Site *site, int thread, std::optional<uint64_t> address,
                 std::vector<FaultNote> notes) {
  Fault found;
  found.kind = kind;
  found.message = std::move(message);
  if (site) {
    found.where = site->where();
    found.source = site->source;
  }
  found.block = index;
  found.thread = threadIndex(thread);
  found.warp = thread / warpLanes;
  found.lane = thread % warpLanes;
  found.address = address;
  if (address)
    found.object = describe(*address);
  found.notes = std::move(notes);
  fail(std::move(found));
}

void Block::failConflict(const Conflict &conflict, const Site &site, uint32_t thread, uint64_t address, bool writes,
                         bool global) {
  const char *verb = writes ? "write" : "read", *space = global ? "global" : "shared";
  const char *byOther = conflict.otherBlock ? " by another block" : "";
  auto other = [&](const char *did) {
    std::string who = conflict.otherBlock ? "another block" : threadName(conflict.thread);
    return std::vector{lineOf(*(*plan.sites)[conflict.site], fmt::format("{} by {} at", did, who))};
  };
  switch (conflict.violation) {
  case Violation::InFlight:
    fail(
        "in-flight-copy",
        fmt::format(
            "{} of shared memory while a cp.async to it is in flight: no wait by the issuing thread before this", verb),
        &site, thread, address, other("copy issued"));
  case Violation::Uninitialised:
    fail("uninitialised-read", fmt::format("read of uninitialised {} memory", space), &site, thread, address);
  case Violation::ReadAfterWrite:
    fail("data-race", fmt::format("data race: read of {} memory after an unsynchronised write{}", space, byOther),
         &site, thread, address, other("written"));
  case Violation::WriteAfterWrite:
    fail("data-race", fmt::format("data race: write of {} memory after an unsynchronised write{}", space, byOther),
         &site, thread, address, other("written"));
  default:
    fail("data-race", fmt::format("data race: write of {} memory after an unsynchronised read{}", space, byOther),
         &site, thread, address, other("read"));
  }
}

// "0-4,7"
static std::string ranges(const std::vector<uint32_t> &sorted) {
  std::string text;
  for (size_t i = 0; i < sorted.size();) {
    size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1)
      ++last;
    text += (text.empty() ? "" : ",") + std::to_string(sorted[i]);
    if (last > i)
      text += "-" + std::to_string(sorted[last]);
    i = last + 1;
  }
  return text;
}

void Block::reportStandstill() {
  std::map<std::pair<std::string, std::string>, std::vector<uint32_t>> groups; // by what they do and where
  bool atBarrier = false;
  for (uint32_t i = 0; i < threadCount; ++i) {
    const Thread &thread = threads[i];
    if (thread.state == State::Done) {
      groups[{"have exited", ""}].push_back(i);
    } else if (thread.state == State::AtBarrier) {
      atBarrier = true;
      const Barrier &barrier = barriers[thread.mask];
      groups[{fmt::format("wait at barrier {} ({} of {} arrived)", thread.mask, barrier.arrived.size(),
                          barrier.expected),
              thread.site->where()}]
          .push_back(i);
    } else {
      bool forWarps = warps[i / warpLanes].product;
      groups[{forWarps ? "wait for the other warps of their warpgroup"
                       : fmt::format("wait for lanes {:#010x} of their warp", thread.mask),
              thread.site->where()}]
          .push_back(i);
    }
  }
  Fault found;
  found.kind = atBarrier ? "divergent-barrier" : "divergent-collective";
  found.message =
      fmt::format("no thread can go on: divergent or incomplete {}", atBarrier ? "barrier" : "warp operation");
  found.block = index;
  for (const auto &[state, members] : groups)
    found.notes.push_back({fmt::format("threads {} {}", ranges(members), state.first), state.second});
  fault = std::move(found);
}
