// The scheduler of a block, its warp collectives and its barriers.
#include "qfa/GpuEmulator/Block.h"

#include "qfa/GpuEmulator/Mma.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <numeric>
#include <sys/mman.h>

using namespace qfa::emu;

static constexpr size_t guardBytes = 64 * 1024;
// Matrix descriptors have 18 bits for an address: those of shared memory begin at a multiple of this.
static constexpr size_t windowBytes = 1 << 18, mappedBytes = 2 * windowBytes + 2 * guardBytes;
static_assert(maxSharedBytes <= windowBytes);
// Of instructions, after which others get their turn, so that a thread may wait for another's flag.
static constexpr int64_t sliceInstructions = 1 << 16;

static bool usesProducts(const LaunchPlan &plan) {
  return std::any_of(plan.sites->begin(), plan.sites->end(), [&](const std::unique_ptr<Site> &site) {
    return site->kind == OpKind::WarpgroupMma && site->function == plan.kernel;
  });
}

Block::Block(const LaunchPlan &plan, Memory &memory, bool recordTraffic)
    : plan(plan), memory(memory), shadow(memory.latestClock),
      keepsOrder(plan.options.races || plan.options.uninitialised), hasProducts(keepsOrder && usesProducts(plan)),
      random(plan.options.seed) {
  threadCount = plan.block.count();
  warpCount = (threadCount + warpLanes - 1) / warpLanes;
  sharedBytes = plan.staticSharedBytes + plan.dynamicSharedBytes;
  // Below 2^31, because code may keep shared addresses in 32 bits.
  stacks = FiberStacks::take();
  mapped = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT,
                -1, 0);
  if (mapped == MAP_FAILED || !stacks.grow(warpCount * warpLanes)) {
    fault.emplace().kind = "host-memory";
    fault->message = "the host has no memory for the threads of a block";
    return;
  }
  shared = reinterpret_cast<std::byte *>((uint64_t(mapped) + guardBytes + windowBytes - 1) & ~(windowBytes - 1));
  sharedShadow.resize(sharedBytes);
  if (recordTraffic)
    traffic.emplace();
}

Block::~Block() {
  if (shared)
    munmap(mapped, mappedBytes);
  FiberStacks::giveBack(std::move(stacks));
}

static void runFiber() {
  FiberContext *fiber = fiberContextOf(uint64_t(__builtin_frame_address(0)));
  fiber->emulator->plan.entry(fiber->emulator->plan.arguments);
  fiber->emulator->finish(fiber->thread);
}

void Block::start(Dim3 at) {
  index = at;
  shadow.beginBlock(warpCount);
  std::memset(shared, 0xff, sharedBytes);
  for (ShadowByte &byte : sharedShadow)
    byte.inFlight = byte.unfenced = false;
  threads.assign(threadCount, {});
  warps.assign(warpCount, {});
  for (Barrier &one : barriers)
    one = {};
  doneThreads = 0;
  for (uint32_t i = 0; i < threadCount; ++i) {
    FiberContext &fiber = stacks.context(i);
    Dim3 thread = threadIndex(i);
    uint32_t lane = i % warpLanes, bit = 1u << lane;
    fiber = {{thread.x, thread.y, thread.z},
             {index.x, index.y, index.z},
             {plan.block.x, plan.block.y, plan.block.z},
             {plan.grid.x, plan.grid.y, plan.grid.z},
             lane,
             i / warpLanes,
             warpCount,
             plan.dynamicSharedBytes,
             sharedBytes,
             bit,
             bit - 1,
             bit | (bit - 1),
             ~(bit | (bit - 1)),
             ~(bit - 1),
             shared,
             sliceInstructions,
             this,
             i,
             nullptr};
    stacks.prepare(i, runFiber);
    warps[i / warpLanes].live |= bit;
  }
}

bool Block::run(Dim3 at) {
  if (fault)
    return false;
  start(at);
  std::vector<uint32_t> order(threadCount);
  std::iota(order.begin(), order.end(), 0);
  if (plan.options.schedule == Schedule::Reverse)
    std::reverse(order.begin(), order.end());
  while (doneThreads < threadCount) {
    if (plan.options.schedule == Schedule::Random)
      std::shuffle(order.begin(), order.end(), random);
    bool moved = false;
    for (uint32_t thread : order) {
      if (threads[thread].state != State::Ready)
        continue;
      moved = true;
      qfa_emu_switch(&schedulerStack, stacks.context(thread).stackPointer);
      if (fault)
        return false;
    }
    if (!moved) {
      reportStandstill();
      return false;
    }
  }
  ++counters.blocks;
  counters.threads += threadCount;
  return true;
}

void Block::yield(uint32_t thread) {
  ++counters.switches;
  qfa_emu_switch(&stacks.context(thread).stackPointer, schedulerStack);
}

void Block::spend(uint32_t thread) {
  stacks.context(thread).instructionsLeft = sliceInstructions;
  if (++threads[thread].slices * sliceInstructions > plan.options.instructionBudget)
    fail("endless-loop",
         fmt::format("a thread executed more than {} instructions in loops", plan.options.instructionBudget), nullptr,
         thread);
  yield(thread);
}

void Block::finish(uint32_t thread) {
  if (const AsyncCopy *copy = threads[thread].copies.pending())
    fail("unwaited-copy", "a thread exits while its cp.async is in flight", copy->site, thread);
  if (const AsyncProduct *product = warps[thread / warpLanes].products.pending())
    fail("unwaited-product", "a warp exits while its wgmma is in flight", product->site, thread);
  threads[thread].state = State::Done;
  warps[thread / warpLanes].live &= ~(1u << thread % warpLanes);
  ++doneThreads;
  yield(thread);
  __builtin_unreachable();
}

void Block::collective(const Site &site, uint32_t thread, const void *in, void *out, uint32_t mask) {
  Thread &self = threads[thread];
  Warp &warp = warps[thread / warpLanes];
  uint32_t first = thread / warpLanes * warpLanes, lane = thread % warpLanes;
  self.site = &site;
  self.lane = {in, out};
  self.mask = mask;
  self.state = State::InWarp;
  if (!(mask >> lane & 1))
    fail("divergent-collective", fmt::format("member mask {:#010x} does not hold the executing lane {}", mask, lane),
         &site, thread);
  if (mask & ~warp.live)
    fail("divergent-collective",
         fmt::format("member mask {:#010x} names lanes that have exited or do not exist, living are {:#010x}", mask,
                     warp.live),
         &site, thread);
  warp.waiting |= 1u << lane;
  if ((warp.waiting & mask) != mask)
    return yield(thread);
  for (uint32_t other = 0; other < warpLanes; ++other) {
    if (!(mask >> other & 1))
      continue;
    const Thread &member = threads[first + other];
    bool anywhere = site.kind == OpKind::WarpBarrier && member.site->kind == OpKind::WarpBarrier;
    if ((member.site != &site && !anywhere) || member.mask != mask)
      fail("divergent-collective", "lanes of one member mask wait at different instructions", &site, thread, {},
           {lineOf(*member.site, fmt::format("lane {} with mask {:#010x} is at", other, member.mask))});
  }
  warp.waiting &= ~mask;
  if (!performCollective(site, thread / warpLanes, mask))
    return yield(thread);
  for (uint32_t other = 0; other < warpLanes; ++other)
    if (mask >> other & 1)
      threads[first + other].state = State::Ready;
}

// False where the warp has to wait for others.
bool Block::performCollective(const Site &site, uint32_t warp, uint32_t mask) {
  ++counters.warpOperations;
  Lane lanes[warpLanes];
  for (uint32_t lane = 0; lane < warpLanes && warp * warpLanes + lane < threadCount; ++lane)
    lanes[lane] = threads[warp * warpLanes + lane].lane;
  switch (site.kind) {
  case OpKind::WarpBarrier:
    // Clocks are a warp's: part of its lanes cannot be told apart.
    if (mask == warps[warp].live)
      shadow.clocks.step(warp);
    return true;
  case OpKind::Shuffle:
    if (ShuffleFault found = shuffle(site, lanes, mask); found.source >= 0)
      fail("divergent-collective",
           fmt::format("a shuffle reads from lane {}, which is not in its member mask {:#010x}", found.source, mask),
           &site, warp * warpLanes + found.lane);
    return true;
  case OpKind::Mma:
    ++counters.mmas;
    multiplyFragments(site, lanes);
    return true;
  case OpKind::LoadMatrix:
  case OpKind::StoreMatrix:
    for (uint32_t lane = 0; lane < 8u * site.count; ++lane)
      access(site, warp * warpLanes + lane, operand<uint64_t>(lanes[lane].in, 0), matrixRowBytes, site.reads,
             site.writes);
    moveMatrices(site, lanes);
    return true;
  case OpKind::WarpgroupMma:
    return joinWarpgroup(site, warp);
  case OpKind::WarpgroupFence:
    return warps[warp].fenced = true;
  case OpKind::CommitProducts:
    warps[warp].products.commit();
    warps[warp].fenced = false;
    return true;
  case OpKind::WaitProducts:
    waitProducts(warp, operand<uint64_t>(lanes[0].in, 0));
    return true;
  default:
    combine(site, lanes, mask);
    return true;
  }
}

void Block::barrier(const Site &site, uint32_t thread, uint32_t number, uint32_t count, bool waits) {
  if (number >= std::size(barriers))
    fail("bad-barrier", fmt::format("barrier number {}, wanted at most {}", number, std::size(barriers) - 1), &site,
         thread);
  if (count % warpLanes)
    fail("bad-barrier", fmt::format("barrier count {} is no multiple of {}", count, warpLanes), &site, thread);
  Barrier &one = barriers[number];
  uint32_t expected = count ? count : threadCount;
  if (!one.arrived.empty() && one.expected != expected)
    fail("divergent-barrier",
         fmt::format("a thread comes to barrier {} for {} threads, others wait there for {}", number, expected,
                     one.expected),
         &site, thread, {}, {lineOf(*threads[one.arrived.front()].site, "another is at")});
  one.expected = expected;
  one.arrived.push_back(thread);
  threads[thread].site = &site;
  threads[thread].mask = number;
  if (waits) {
    one.waiting.push_back(thread);
    threads[thread].state = State::AtBarrier;
  }
  if (one.arrived.size() >= expected)
    return release(one);
  if (waits)
    yield(thread);
}

void Block::release(Barrier &one) {
  uint32_t from = 0, to = 0;
  for (uint32_t thread : one.arrived)
    from |= 1u << thread / warpLanes;
  std::array<const Site *, maxWarps> siteOf{};
  for (uint32_t thread : one.waiting) {
    const Site *&site = siteOf[thread / warpLanes];
    const Site *mine = threads[thread].site;
    if (site && site != mine && mine->mode)
      fail("divergent-barrier", "lanes of one warp are at different barrier instructions", mine, thread, {},
           {lineOf(*site, "another lane is at")});
    site = mine;
    to |= 1u << thread / warpLanes;
    threads[thread].state = State::Ready;
  }
  shadow.clocks.meet(from, to);
  one = {};
}

void Block::operate(const Site &site, uint32_t thread, const void *in, void *out) {
  switch (site.kind) {
  case OpKind::Mma:
  case OpKind::LoadMatrix:
  case OpKind::StoreMatrix:
  case OpKind::WarpgroupMma:
  case OpKind::WarpgroupFence:
  case OpKind::CommitProducts:
  case OpKind::WaitProducts:
    return collective(site, thread, in, out, ~0u);
  case OpKind::ProxyFence:
    return fenceProxy(thread);
  case OpKind::Shuffle:
  case OpKind::Vote:
  case OpKind::Reduce:
  case OpKind::Match:
  case OpKind::Elect:
  case OpKind::WarpBarrier:
    return collective(site, thread, in, out, operand<uint32_t>(in, maskOperand(site.kind)));
  case OpKind::BlockBarrier:
  case OpKind::BarrierArrive:
    return barrier(site, thread, operand<uint32_t>(in, 0), site.operands > 1 ? operand<uint32_t>(in, 1) : 0,
                   site.kind == OpKind::BlockBarrier);
  case OpKind::CopyAsync:
    return copyAsync(site, thread, in);
  case OpKind::CommitCopies:
    return threads[thread].copies.commit();
  case OpKind::WaitCopies:
    return complete(thread, site.mode ? threads[thread].copies.waitAll()
                                      : threads[thread].copies.wait(operand<uint32_t>(in, 0)));
  case OpKind::AddressSpaceTest: {
    bool inShared = operand<uint64_t>(in, 0) - uint64_t(shared) < maxSharedBytes;
    return giveResult(out, uint8_t(site.mode ? inShared : !inShared));
  }
  case OpKind::Sleep:
    return yield(thread);
  case OpKind::Trap:
    fail("trap", "a trap was executed", &site, thread);
  case OpKind::DivideByZero:
    fail("division-by-zero", "integer division by zero", &site, thread);
  case OpKind::Fence:
  case OpKind::Access:
  case OpKind::Scalar:
    return;
  }
}
