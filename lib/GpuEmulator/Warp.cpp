// Warp collectives by the text of the PTX ISA.
#include "qfa/GpuEmulator/Warp.h"

#include <algorithm>
#include <bit>

using namespace qfa::emu;

template <typename Function>
static void forEachLane(uint32_t mask, Function &&function) {
  for (; mask; mask &= mask - 1)
    function(std::countr_zero(mask));
}

// Where the second of a pair {i32, i1} lies.
static constexpr int predicateOffset = 4;

ShuffleFault qfa::emu::shuffle(const Site &site, const Lane *lanes, uint32_t mask) {
  ShuffleFault fault;
  forEachLane(mask, [&](int lane) {
    uint32_t b = operand<uint32_t>(lanes[lane].in, 2) & 31, c = operand<uint32_t>(lanes[lane].in, 3);
    int clamp = c & 31, segment = c >> 8 & 31;
    int highest = (lane & segment) | (clamp & ~segment), lowest = lane & segment;
    int source = 0;
    bool inside = false;
    switch (ShuffleMode(site.mode)) {
    case ShuffleMode::Up:
      source = lane - int(b);
      inside = source >= highest;
      break;
    case ShuffleMode::Down:
      source = lane + int(b);
      inside = source <= highest;
      break;
    case ShuffleMode::Butterfly:
      source = lane ^ int(b);
      inside = source <= highest;
      break;
    case ShuffleMode::Index:
      source = lowest | (int(b) & ~segment);
      inside = source <= highest;
      break;
    }
    if (!inside)
      source = lane;
    if (!(mask >> source & 1)) {
      if (fault.source < 0)
        fault = {lane, source};
      return;
    }
    giveResult(lanes[lane].out, operand<uint32_t>(lanes[source].in, 1));
    if (site.count == 2)
      static_cast<uint8_t *>(lanes[lane].out)[predicateOffset] = inside;
  });
  return fault;
}

static void vote(const Site &site, const Lane *lanes, uint32_t mask) {
  uint32_t ayes = 0;
  forEachLane(mask, [&](int lane) { ayes |= uint32_t(operand<uint8_t>(lanes[lane].in, 1) & 1) << lane; });
  bool answer = false;
  switch (VoteMode(site.mode)) {
  case VoteMode::Ballot:
    return forEachLane(mask, [&](int lane) { giveResult(lanes[lane].out, ayes); });
  case VoteMode::Any:
    answer = ayes != 0;
    break;
  case VoteMode::All:
    answer = ayes == mask;
    break;
  case VoteMode::Uniform:
    answer = ayes == 0 || ayes == mask;
    break;
  }
  forEachLane(mask, [&](int lane) { giveResult(lanes[lane].out, uint8_t(answer)); });
}

static uint32_t reduceTwo(ReduceMode mode, uint32_t a, uint32_t b) {
  switch (mode) {
  case ReduceMode::Add:
    return a + b;
  case ReduceMode::Min:
    return std::min(int32_t(a), int32_t(b));
  case ReduceMode::Max:
    return std::max(int32_t(a), int32_t(b));
  case ReduceMode::UnsignedMin:
    return std::min(a, b);
  case ReduceMode::UnsignedMax:
    return std::max(a, b);
  case ReduceMode::And:
    return a & b;
  case ReduceMode::Or:
    return a | b;
  case ReduceMode::Xor:
    return a ^ b;
  }
  return 0;
}

static void reduce(const Site &site, const Lane *lanes, uint32_t mask) {
  uint32_t sum = operand<uint32_t>(lanes[std::countr_zero(mask)].in, 0);
  forEachLane(mask & (mask - 1),
              [&](int lane) { sum = reduceTwo(ReduceMode(site.mode), sum, operand<uint32_t>(lanes[lane].in, 0)); });
  forEachLane(mask, [&](int lane) { giveResult(lanes[lane].out, sum); });
}

static void match(const Site &site, const Lane *lanes, uint32_t mask) {
  auto value = [&](int lane) {
    return site.count == 8 ? operand<uint64_t>(lanes[lane].in, 1) : operand<uint32_t>(lanes[lane].in, 1);
  };
  forEachLane(mask, [&](int lane) {
    uint32_t same = 0;
    forEachLane(mask, [&](int other) { same |= uint32_t(value(other) == value(lane)) << other; });
    giveResult(lanes[lane].out, same);
  });
}

// The lowest member leads.
static void elect(const Lane *lanes, uint32_t mask) {
  int leader = std::countr_zero(mask);
  forEachLane(mask, [&](int lane) {
    giveResult(lanes[lane].out, uint32_t(leader));
    static_cast<uint8_t *>(lanes[lane].out)[predicateOffset] = lane == leader;
  });
}

void qfa::emu::combine(const Site &site, const Lane *lanes, uint32_t mask) {
  switch (site.kind) {
  case OpKind::Vote:
    return vote(site, lanes, mask);
  case OpKind::Reduce:
    return reduce(site, lanes, mask);
  case OpKind::Match:
    return match(site, lanes, mask);
  case OpKind::Elect:
    return elect(lanes, mask);
  default:
    return;
  }
}

int qfa::emu::maskOperand(OpKind kind) { return kind == OpKind::Reduce ? 1 : 0; }
