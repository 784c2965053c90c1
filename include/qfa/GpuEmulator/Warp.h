// What a warp computes together: shuffles, votes, reductions, matches, elections. Pure functions of the lanes'
// operands.
#ifndef QFA_GPUEMULATOR_WARP_H
#define QFA_GPUEMULATOR_WARP_H

#include "qfa/GpuEmulator/Shadow.h"
#include "qfa/GpuEmulator/Site.h"

namespace qfa::emu {

struct Lane {
  const void *in = nullptr;
  void *out = nullptr;
};

// A lane that a shuffle reads from but that takes no part: source < 0 means none.
struct ShuffleFault {
  int lane = -1, source = -1;
};

// Operands of the intrinsic: mask, value, lane operand b, clamp and segment c. lanes: of the whole warp.
ShuffleFault shuffle(const Site &site, const Lane *lanes, uint32_t mask);

// Vote, Reduce, Match, Elect.
void combine(const Site &site, const Lane *lanes, uint32_t mask);

// Which operand of the intrinsic is the member mask.
int maskOperand(OpKind kind);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_WARP_H
