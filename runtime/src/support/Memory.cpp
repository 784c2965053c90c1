// Memory from mmap where it is large, so that it is zero without being touched and may use large pages.
#include "support/Memory.h"

#include "support/Error.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

using namespace qfa::rt;

static constexpr uint64_t mapFrom = 1 << 20, alignment = 64;

Memory::Memory(uint64_t bytes) : length(bytes) {
  if (bytes == 0)
    return;
  if (bytes >= mapFrom) {
    void *mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
      fail("no memory for {} bytes", bytes);
    madvise(mapped, bytes, MADV_HUGEPAGE);
    start = static_cast<char *>(mapped);
    return;
  }
  start = static_cast<char *>(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  if (!start)
    fail("no memory for {} bytes", bytes);
  std::memset(start, 0, bytes);
}

Memory::~Memory() {
  if (length >= mapFrom)
    munmap(start, length);
  else
    std::free(start);
}
