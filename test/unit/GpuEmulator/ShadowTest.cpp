// The order of accesses: what barriers and warp syncs tell whom.
#include "qfa/GpuEmulator/Shadow.h"

#include <gtest/gtest.h>

using namespace qfa::emu;

namespace {

// One byte and the accesses to it; threads 0 and 1 are lanes of warp 0, 32 of warp 1, 64 of warp 2.
class Order : public testing::Test {
protected:
  void SetUp() override { shadow.beginBlock(3); }
  Violation access(uint32_t thread, bool reads, bool writes, bool atomic = false) {
    last = shadow.access(&byte, 1, {thread, thread + 100, reads, writes, atomic, global, true, false});
    return last.violation;
  }
  Violation read(uint32_t thread) { return access(thread, true, false); }
  Violation write(uint32_t thread) { return access(thread, false, true); }
  Violation update(uint32_t thread) { return access(thread, true, true, true); }
  void barrier(uint32_t warps = 7) { shadow.clocks.meet(warps, warps); }

  Shadow shadow;
  ShadowByte byte{};
  Conflict last;
  bool global = false;
};
constexpr Violation none = Violation::None;

} // namespace

// Tests that a thread is in order with itself, and another only after a barrier.
TEST_F(Order, BarriersOrderWarps) {
  EXPECT_EQ(write(0), none);
  EXPECT_EQ(read(0), none);
  EXPECT_EQ(write(0), none);
  EXPECT_EQ(read(32), Violation::ReadAfterWrite);
  EXPECT_EQ(last.thread, 0u);
  EXPECT_EQ(last.site, 100u);
  barrier();
  EXPECT_EQ(read(32), none);
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  EXPECT_EQ(last.thread, 32u);
  EXPECT_EQ(write(32), none);
  barrier();
  EXPECT_EQ(write(64), none);
  EXPECT_EQ(write(0), Violation::WriteAfterWrite);
}

// Tests that lanes of a warp are in order only after a sync of the warp, which tells other warps nothing.
TEST_F(Order, SyncOrdersLanes) {
  EXPECT_EQ(write(0), none);
  EXPECT_EQ(read(1), Violation::ReadAfterWrite);
  shadow.clocks.step(0);
  EXPECT_EQ(read(1), none);
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  shadow.clocks.step(0);
  EXPECT_EQ(write(0), none);
  EXPECT_EQ(write(32), Violation::WriteAfterWrite);
}

// Tests that a barrier of some warps orders those alone, but hands on what they knew.
TEST_F(Order, BarriersOfSomeWarps) {
  EXPECT_EQ(write(0), none);
  barrier(3);
  EXPECT_EQ(read(64), Violation::ReadAfterWrite);
  barrier(6);
  EXPECT_EQ(read(64), none);
}

// Tests that who only arrives tells but does not learn.
TEST_F(Order, ArrivingTells) {
  EXPECT_EQ(write(0), none);
  shadow.clocks.meet(/*from=*/3, /*to=*/2);
  EXPECT_EQ(read(32), none);
  EXPECT_EQ(write(32), none);
  EXPECT_EQ(read(0), Violation::ReadAfterWrite);
}

// Tests that all readers count, those of one clock and those of several.
TEST_F(Order, EveryReaderCounts) {
  EXPECT_EQ(read(0), none);
  EXPECT_EQ(read(32), none);
  EXPECT_EQ(read(64), none);
  barrier(3); // warps 0 and 1 go on, warp 2 does not
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  EXPECT_EQ(last.thread, 64u);
  EXPECT_EQ(read(0), none); // now of two clocks
  EXPECT_EQ(read(32), none);
  barrier(3);
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  EXPECT_EQ(last.thread, 64u);
  barrier();
  EXPECT_EQ(write(0), none);
}

// Tests that of two lanes' reads the other's counts.
TEST_F(Order, OwnReadIsNoConflict) {
  EXPECT_EQ(read(1), none);
  EXPECT_EQ(write(1), none);
  EXPECT_EQ(read(1), none);
  shadow.clocks.step(0);
  EXPECT_EQ(read(0), none);
  EXPECT_EQ(read(1), none);
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  EXPECT_EQ(last.thread, 1u);
}

// Tests that atomics are in order with atomics, and with nothing else.
TEST_F(Order, Atomics) {
  EXPECT_EQ(update(0), none);
  EXPECT_EQ(update(32), none);
  EXPECT_EQ(read(64), Violation::ReadAfterWrite);
  EXPECT_EQ(write(64), Violation::WriteAfterWrite);
  barrier();
  EXPECT_EQ(read(64), none);
  EXPECT_EQ(update(0), Violation::WriteAfterRead);
}

// Tests that nothing orders blocks, that a later launch is ordered after all, and that shared memory begins empty.
TEST_F(Order, BlocksAndLaunches) {
  global = true;
  EXPECT_EQ(write(0), none);
  shadow.beginBlock(3);
  barrier();
  EXPECT_EQ(read(0), Violation::ReadAfterWrite);
  EXPECT_TRUE(last.otherBlock);
  Shadow next(shadow.clocks.last());
  next.beginBlock(3);
  EXPECT_EQ(next.access(&byte, 1, {32, 0, true, true, false, true, true, true}).violation, none);
  EXPECT_EQ(next.access(&byte, 1, {32, 0, true, false, false, false, true, true}).violation, none);
  next.beginBlock(3);
  EXPECT_EQ(next.access(&byte, 1, {32, 0, true, false, false, false, true, true}).violation, Violation::Uninitialised);
}

// Tests that a read by an earlier block is remembered beside one of this block.
TEST_F(Order, ReadersOfOtherBlocks) {
  global = true;
  EXPECT_EQ(read(0), none);
  shadow.beginBlock(3);
  EXPECT_EQ(read(0), none);
  EXPECT_EQ(write(0), Violation::WriteAfterRead);
  EXPECT_TRUE(last.otherBlock);
}

// Tests that bytes in flight may be neither read nor written, until the copy is done.
TEST_F(Order, InFlight) {
  byte.inFlight = true;
  EXPECT_EQ(read(0), Violation::InFlight);
  EXPECT_EQ(write(0), Violation::InFlight);
  shadow.recordWrite(&byte, 1, 0, 7);
  EXPECT_EQ(read(0), none);
  EXPECT_EQ(read(32), Violation::ReadAfterWrite);
  EXPECT_EQ(last.site, 7u);
}
