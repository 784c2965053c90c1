// wgmma: products of matrices that descriptors find in shared memory, by the four warps of a warpgroup.
#ifndef QFA_GPUEMULATOR_WARPGROUP_H
#define QFA_GPUEMULATOR_WARPGROUP_H

#include "qfa/GpuEmulator/Warp.h"

#include <cstddef>

namespace qfa::emu {

constexpr uint32_t warpgroupWarps = 4, warpgroupInner = 16; // inner size of a product of bf16

// A 64-bit matrix descriptor of the PTX ISA: byte offsets in the block's shared memory.
struct MatrixDescriptor {
  uint32_t start, leading, stride;
  uint32_t baseOffset;
  uint32_t swizzleBytes; // 16: none, 32, 64 or 128
};
MatrixDescriptor decodeDescriptor(uint64_t bits);

// Where an element is, of a row (of the product's rows or columns). Eight lie together, from a multiple of 8 on: along
// k or, transposed, along the rows.
uint32_t placeOf(const MatrixDescriptor &matrix, bool transposed, uint32_t row, uint32_t k);

// Operands of the instruction: the accumulator's registers, then these.
struct WarpgroupOperands {
  uint64_t a, b; // descriptors
  int32_t keep;  // 0: the accumulator counts as zero
  int32_t signA, signB;
  bool transposedA, transposedB;

  static WarpgroupOperands read(const Site &site, const void *in);
  bool operator==(const WarpgroupOperands &) const = default;
};
inline uint32_t columnsOf(const Site &wgmma) { return wgmma.count * 8u; }

// Rows 16 (warp % 4) .. + 15 of D = A B + D, which the warp's registers hold. shared: the block's memory.
void multiplyRows(const Site &site, const Lane *lanes, uint32_t warp, const std::byte *shared);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_WARPGROUP_H
