// Every access of a block's threads: bounds, alignment, order; and the copies of cp.async.
#include "qfa/GpuEmulator/Block.h"

#include <fmt/format.h>

using namespace qfa::emu;

Buffer *Block::resolve(const Site &site, uint32_t thread, uint64_t address, uint64_t bytes, bool writes) {
  auto inside = [&](const Buffer &buffer) {
    return address >= uint64_t(buffer.data) && address + bytes <= uint64_t(buffer.data) + buffer.bytes;
  };
  if (!lastBuffer || !inside(*lastBuffer))
    lastBuffer = memory.find(address);
  if (lastBuffer && inside(*lastBuffer)) {
    if (writes && !lastBuffer->writable)
      fail("read-only", "write to constant memory", &site, thread, address);
    return lastBuffer;
  }
  if (stacks.holds(thread, address, bytes))
    return nullptr;
  for (size_t i = 0; i < plan.argumentBytes.size() && !writes; ++i) // parameters passed by value in memory
    if (address >= uint64_t(plan.arguments[i]) &&
        address + bytes <= uint64_t(plan.arguments[i]) + plan.argumentBytes[i])
      return nullptr;
  fail("out-of-bounds", fmt::format("out-of-bounds {} of {} bytes", writes ? "write" : "read", bytes), &site, thread,
       address);
}

void Block::access(const Site &site, uint32_t thread, uint64_t address, uint64_t bytes, bool reads, bool writes) {
  ++counters.accesses;
  const char *verb = writes ? "write" : "read";
  uint64_t alignment = site.kind == OpKind::CopyAsync ? site.count
                       : site.kind == OpKind::Access  ? site.alignment
                                                      : 16; // the rows of a matrix
  if (address % alignment)
    fail("misaligned", fmt::format("{} of {} bytes at an address that is no multiple of {}", verb, bytes, alignment),
         &site, thread, address);
  uint64_t offset = address - uint64_t(shared);
  bool isShared = offset < maxSharedBytes;
  // A cp.async has two addresses: what it writes is shared, what it reads global.
  bool wantsShared = site.kind == OpKind::CopyAsync ? writes : site.kind != OpKind::Access || site.addressSpace == 3;
  bool wantsGlobal = site.kind == OpKind::CopyAsync ? !writes : site.addressSpace == 1;
  if (isShared && wantsGlobal)
    fail("wrong-space", fmt::format("{} of global memory at an address in shared memory", verb), &site, thread,
         address);
  if (traffic && (isShared || !stacks.holds(thread, address, bytes)))
    traffic->record(site, thread, address, bytes, isShared);
  ShadowByte *bytesShadow = nullptr;
  ShadowAccess order{
      thread, site.id, reads, writes, site.atomic, !isShared, plan.options.races, plan.options.uninitialised};
  if (isShared) {
    if (offset + bytes > sharedBytes)
      fail("out-of-bounds", fmt::format("out-of-bounds {} of {} bytes", verb, bytes), &site, thread, address);
    for (const SharedVariable &variable : *plan.sharedVariables)
      if (offset - variable.offset < variable.bytes && offset + bytes > variable.offset + variable.bytes)
        fail("out-of-bounds", fmt::format("{} of {} bytes runs past the end of a shared variable", verb, bytes), &site,
             thread, address);
    bytesShadow = &sharedShadow[offset];
    if (!keepsOrder)
      return;
  } else {
    if (wantsShared)
      fail("out-of-bounds", fmt::format("out-of-bounds {} of {} bytes", verb, bytes), &site, thread, address);
    Buffer *buffer = resolve(site, thread, address, bytes, writes);
    if (!buffer || !buffer->shadow || !keepsOrder)
      return;
    if (!order.checkRaces && buffer->initialised)
      return;
    bytesShadow = buffer->shadow + (address - uint64_t(buffer->data));
    order.checkWritten &= !buffer->initialised;
  }
  Conflict conflict = shadow.access(bytesShadow, bytes, order);
  if (conflict.violation != Violation::None)
    failConflict(conflict, site, thread, address + conflict.byte, writes, !isShared);
  if (isShared && writes && site.kind != OpKind::CopyAsync)
    markUnfenced(thread, offset, bytes);
}

void Block::copyAsync(const Site &site, uint32_t thread, const void *in) {
  uint64_t to = operand<uint64_t>(in, 0), from = operand<uint64_t>(in, 1);
  uint32_t sourceBytes = site.mode ? operand<uint32_t>(in, 2) : site.count;
  if (sourceBytes > site.count)
    fail("bad-copy", fmt::format("cp.async of {} bytes has a source of {}", site.count, sourceBytes), &site, thread);
  if (sourceBytes)
    access(site, thread, from, sourceBytes, true, false);
  access(site, thread, to, site.count, false, true);
  for (uint32_t i = 0; i < site.count && keepsOrder; ++i)
    sharedShadow[to - uint64_t(shared) + i].inFlight = true;
  // Poisoned until it arrives, so that numbers go wrong even where no check is on.
  std::memset(reinterpret_cast<void *>(to), 0xff, site.count);
  threads[thread].copies.issue(
      {reinterpret_cast<std::byte *>(to), reinterpret_cast<const std::byte *>(from), site.count, sourceBytes, &site});
}

void Block::complete(uint32_t thread, const std::vector<AsyncCopy> &copies) {
  for (const AsyncCopy &copy : copies) {
    copy.perform();
    if (!keepsOrder)
      continue;
    shadow.recordWrite(&sharedShadow[copy.to - shared], copy.bytes, thread, copy.site->id);
    markUnfenced(thread, copy.to - shared, copy.bytes);
  }
}

static FiberContext *current() { return fiberContextOf(uint64_t(__builtin_frame_address(0))); }

void qfa_emu_access(const Site *site, uint64_t address) {
  FiberContext *fiber = current();
  fiber->emulator->access(*site, fiber->thread, address, site->bytes, site->reads, site->writes);
}

void qfa_emu_access_bytes(const Site *site, uint64_t address, uint64_t bytes) {
  FiberContext *fiber = current();
  if (bytes)
    fiber->emulator->access(*site, fiber->thread, address, bytes, site->reads, site->writes);
}

void qfa_emu_operate(const Site *site, const void *in, void *out) {
  FiberContext *fiber = current();
  fiber->emulator->operate(*site, fiber->thread, in, out);
}

void qfa_emu_spend() {
  FiberContext *fiber = current();
  fiber->emulator->spend(fiber->thread);
}
