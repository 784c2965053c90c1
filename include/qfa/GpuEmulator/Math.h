// Scalar llvm.nvvm functions: exact where the PTX ISA is exact, rounded from a wider type where it allows an error.
#ifndef QFA_GPUEMULATOR_MATH_H
#define QFA_GPUEMULATOR_MATH_H

#include "qfa/GpuEmulator/Site.h"

#include <string_view>
#include <vector>

namespace qfa::emu {

// By the intrinsic's name without "llvm.nvvm."; null when it is no scalar function we know.
ScalarFunction *findScalar(std::string_view name);
std::vector<std::string_view> scalarNames();

// To the nearest, ties to even, in one rounding.
uint16_t toBf16(double value);
uint16_t toF16(double value);

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_MATH_H
