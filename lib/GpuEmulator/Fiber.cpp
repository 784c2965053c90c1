// Stack switching for x86-64 in the System V convention.
#include "qfa/GpuEmulator/Fiber.h"

#include <mutex>
#include <sys/mman.h>
#include <vector>

using namespace qfa::emu;

// Only the registers that a callee must keep; the floating-point modes are the same in all fibers.
asm(R"(
.text
.globl qfa_emu_switch
.type qfa_emu_switch,@function
qfa_emu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size qfa_emu_switch,.-qfa_emu_switch
)");

static constexpr size_t guardBytes = 4096, savedRegisters = 6;

FiberStacks &FiberStacks::operator=(FiberStacks &&other) noexcept {
  std::swap(first, other.first);
  std::swap(mapped, other.mapped);
  std::swap(mappedBytes, other.mappedBytes);
  std::swap(count, other.count);
  return *this;
}

FiberStacks::~FiberStacks() {
  if (mapped)
    munmap(mapped, mappedBytes);
}

bool FiberStacks::grow(size_t wanted) {
  if (wanted <= count)
    return true;
  if (mapped)
    munmap(mapped, mappedBytes);
  mappedBytes = (wanted + 1) * fiberStackBytes; // one more to align by
  mapped = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  count = 0;
  if (mapped == MAP_FAILED) {
    mapped = nullptr;
    return false;
  }
  first = reinterpret_cast<std::byte *>((uint64_t(mapped) + fiberStackBytes - 1) & ~(fiberStackBytes - 1));
  for (size_t i = 0; i < wanted; ++i)
    mprotect(first + i * fiberStackBytes, guardBytes, PROT_NONE);
  count = wanted;
  return true;
}

FiberContext &FiberStacks::context(size_t index) const {
  return *fiberContextOf(uint64_t(first + index * fiberStackBytes));
}

void FiberStacks::prepare(size_t index, void (*entry)()) {
  FiberContext &fiber = context(index);
  void **top = reinterpret_cast<void **>(&fiber);
  *--top = nullptr; // where a return address would be: entry starts with the stack aligned as after a call
  *--top = reinterpret_cast<void *>(entry);
  fiber.stackPointer = top - savedRegisters;
}

bool FiberStacks::holds(size_t index, uint64_t address, uint64_t bytes) const {
  uint64_t begin = uint64_t(first + index * fiberStackBytes) + guardBytes;
  return address >= begin && address + bytes <= uint64_t(&context(index));
}

static std::mutex idleMutex;
static std::vector<FiberStacks> idle; // as many as host threads ran blocks at once

FiberStacks FiberStacks::take() {
  std::lock_guard lock(idleMutex);
  if (idle.empty())
    return {};
  FiberStacks stacks = std::move(idle.back());
  idle.pop_back();
  return stacks;
}

void FiberStacks::giveBack(FiberStacks stacks) {
  std::lock_guard lock(idleMutex);
  idle.push_back(std::move(stacks));
}
