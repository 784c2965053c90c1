// Runs the blocks of a grid, when code and arguments are ready: the border between the compiler's half and the run
// time.
#ifndef QFA_GPUEMULATOR_LAUNCH_H
#define QFA_GPUEMULATOR_LAUNCH_H

#include "qfa/GpuEmulator/Memory.h"
#include "qfa/GpuEmulator/Report.h"
#include "qfa/GpuEmulator/Site.h"

#include <memory>
#include <string>
#include <vector>

namespace qfa::emu {

enum class Schedule : uint8_t { Forward, Reverse, Random };

struct LaunchOptions {
  bool races = true,
       uninitialised = true;             // bounds and alignment are checked whenever the program was loaded with checks
  bool traffic = false;                  // bank conflicts and coalescing of the first block
  Schedule schedule = Schedule::Forward; // order of blocks, and of the threads of a block
  uint64_t seed = 1;                     // of the random schedule
  uint64_t instructionBudget = 1 << 26;  // of one thread, counted inside loops; more is an endless loop
  unsigned workers = 1;                  // host threads; more than one only without races and traffic
};

struct SharedVariable {
  std::string name;
  uint32_t offset, bytes;
};

using KernelEntry = void(const void *const *arguments);

struct LaunchPlan {
  std::string kernel;
  KernelEntry *entry = nullptr;
  const void *const *arguments = nullptr; // each points to a value of the parameter's type
  std::vector<uint32_t> argumentBytes;
  Dim3 grid, block;
  uint32_t staticSharedBytes = 0, dynamicSharedBytes = 0;
  const std::vector<SharedVariable> *sharedVariables = nullptr;
  const std::vector<std::unique_ptr<Site>> *sites = nullptr;
  LaunchOptions options;
};

constexpr uint32_t maxSharedBytes = 227 * 1024, maxBlockThreads = 1024;
constexpr Dim3 maxGrid = {0x7fffffff, 65535, 65535};

Report runGrid(const LaunchPlan &plan, Memory &memory);

} // namespace qfa::emu

// What generated code calls, always on the stack of a fiber.
extern "C" {
void qfa_emu_access(const qfa::emu::Site *site, uint64_t address);
void qfa_emu_access_bytes(const qfa::emu::Site *site, uint64_t address, uint64_t bytes);
void qfa_emu_operate(const qfa::emu::Site *site, const void *in, void *out);
void qfa_emu_spend();
}

#endif // QFA_GPUEMULATOR_LAUNCH_H
