// Tensor-core fragments: mma, ldmatrix and stmatrix on the registers of 32 lanes.
#ifndef QFA_GPUEMULATOR_MMA_H
#define QFA_GPUEMULATOR_MMA_H

#include "qfa/GpuEmulator/Warp.h"

namespace qfa::emu {

// D = A * B + C on m16n8k<count>; products are exact and the sum is rounded once, where a card rounds in its own way.
// Operands of a lane: the registers of A [16, k], B [k, 8] and C [16, 8], 32 bits each.
void multiplyFragments(const Site &site, const Lane *lanes);

// ldmatrix and stmatrix of 8x8 matrices of 16-bit elements: lane 8m + r holds the address of row r of matrix m.
// The caller has checked that those rows may be accessed.
void moveMatrices(const Site &site, const Lane *lanes);
constexpr uint32_t matrixRowBytes = 16;

// Numbers in the low bits of a register.
float fromBf16(uint16_t bits);
float fromF16(uint16_t bits);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_MMA_H
