// What an llvm.nvvm intrinsic is to the emulator: the readers of Intrinsics.def.
#ifndef QFA_GPUEMULATOR_INTRINSICS_H
#define QFA_GPUEMULATOR_INTRINSICS_H

#include "qfa/GpuEmulator/Site.h"

#include <optional>
#include <string_view>
#include <vector>

namespace qfa::emu {

// Names are without "llvm.nvvm.". A suffix for the pointer type (".p3") does not count.
// Fills kind, mode, count, scalar and what memory is touched; false for a name that is not emulated.
bool describeIntrinsic(std::string_view name, Site &site);

// The word of FiberContext that a special register reads: "tid.x".
std::optional<unsigned> registerWord(std::string_view name);

// All rows but the scalar functions and registers.
std::vector<std::string_view> operationNames();
std::vector<std::string_view> registerNames();

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_INTRINSICS_H
