// Global memory of the emulated device: buffers with inaccessible gaps between them, and the shadow of their bytes.
#ifndef QFA_GPUEMULATOR_MEMORY_H
#define QFA_GPUEMULATOR_MEMORY_H

#include "qfa/GpuEmulator/Shadow.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qfa::emu {

struct Buffer {
  std::string name;
  std::byte *data = nullptr;
  size_t bytes = 0;
  bool writable = true;
  bool initialised = false; // all of it; else the shadow knows which bytes
  ShadowByte *shadow = nullptr;
  bool owned = false;
};

class Memory {
public:
  Memory() = default;
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  ~Memory();

  // Bytes of 0xff, uninitialised to kernels. On a plain heap an access past the end would land in a neighbour; here it
  // lands in no buffer. Null when the host has no memory.
  std::byte *allocate(std::string name, size_t bytes);
  void release(std::byte *data);
  // Memory that another owns: the constants and variables of a program.
  void adopt(std::string name, std::byte *data, size_t bytes, bool writable);

  // The host wrote these bytes.
  void markInitialised(const std::byte *data, size_t bytes);

  // Code that records no accesses runs: whatever it leaves counts as written.
  void trustAll();

  // The buffer that holds the address or, with `nearest`, the closest one.
  Buffer *find(uint64_t address, bool nearest = false);
  // "buffer 'x'+40 of 32 bytes", or empty when there is no buffer at all.
  std::string describe(uint64_t address);

  uint32_t latestClock = 0; // of all launches so far

private:
  std::vector<Buffer> buffers; // by address
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_MEMORY_H
