// The parts of the run time by themselves: fibers, copies, memory, traffic, reports. No LLVM.
#include "qfa/GpuEmulator/Async.h"
#include "qfa/GpuEmulator/Fiber.h"
#include "qfa/GpuEmulator/Math.h"
#include "qfa/GpuEmulator/Memory.h"
#include "qfa/GpuEmulator/Mma.h"
#include "qfa/GpuEmulator/Traffic.h"
#include "qfa/GpuEmulator/Warp.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace qfa::emu;

namespace {
void *testStack;
std::vector<int> visits;

void visitTwice() {
  FiberContext *fiber = fiberContextOf(uint64_t(__builtin_frame_address(0)));
  for (int round = 0; round < 2; ++round) {
    visits.push_back(fiber->thread * 10 + round);
    qfa_emu_switch(&fiber->stackPointer, testStack);
  }
}
} // namespace

// Tests that fibers take turns, each finding its context from its stack.
TEST(Fiber, TakesTurns) {
  FiberStacks stacks;
  ASSERT_TRUE(stacks.grow(40));
  visits.clear();
  for (uint32_t i : {3u, 39u}) {
    stacks.context(i).thread = i;
    stacks.prepare(i, visitTwice);
  }
  for (int round = 0; round < 2; ++round)
    for (uint32_t i : {3u, 39u})
      qfa_emu_switch(&testStack, stacks.context(i).stackPointer);
  EXPECT_EQ(visits, (std::vector<int>{30, 390, 31, 391}));
  uint64_t top = uint64_t(&stacks.context(3));
  EXPECT_TRUE(stacks.holds(3, top - 8, 8));
  EXPECT_FALSE(stacks.holds(3, top - 4, 8));
  EXPECT_FALSE(stacks.holds(4, top - 8, 8));
}

// Tests that groups arrive in order, that empty ones count, and that a short source is filled up with zeros.
TEST(Async, GroupsArriveInOrder) {
  std::vector<std::byte> to(4, std::byte(9)), from(4, std::byte(5));
  AsyncGroups<AsyncCopy> copies;
  EXPECT_EQ(copies.pending(), nullptr);
  copies.issue({to.data(), from.data(), 4, 3, nullptr});
  EXPECT_TRUE(copies.wait(0).empty()) << "not committed";
  copies.commit();
  copies.commit();
  EXPECT_TRUE(copies.wait(2).empty());
  EXPECT_EQ(copies.pending()->bytes, 4u);
  std::vector<AsyncCopy> done = copies.wait(1);
  ASSERT_EQ(done.size(), 1u);
  done[0].perform();
  EXPECT_EQ(to, (std::vector{std::byte(5), std::byte(5), std::byte(5), std::byte(0)}));
  EXPECT_EQ(copies.pending(), nullptr);
}

// Tests a shuffle and a reduction on operands laid out by hand.
TEST(Warp, WorksOnSlots) {
  alignas(16) uint8_t in[32][64] = {}, out[32][16] = {};
  Lane lanes[32];
  for (int i = 0; i < 32; ++i) {
    lanes[i] = {in[i], out[i]};
    uint32_t words[] = {0xffffffff, uint32_t(100 + i), 1, 31};
    for (int j = 0; j < 4; ++j)
      std::memcpy(in[i] + slotBytes * j, &words[j], 4);
  }
  Site site;
  site.kind = OpKind::Shuffle;
  site.mode = uint8_t(ShuffleMode::Down);
  site.count = 2;
  EXPECT_EQ(shuffle(site, lanes, ~0u).source, -1);
  EXPECT_EQ(operand<uint32_t>(out[4], 0), 105u);
  EXPECT_EQ(out[4][4], 1);
  EXPECT_EQ(operand<uint32_t>(out[31], 0), 131u);
  EXPECT_EQ(out[31][4], 0);
  ShuffleFault fault = shuffle(site, lanes, 0x7);
  EXPECT_EQ(fault.lane, 2);
  EXPECT_EQ(fault.source, 3);
  site.kind = OpKind::Vote;
  site.mode = uint8_t(VoteMode::Ballot); // of the lowest bit of 100 + lane
  combine(site, lanes, 0xff);
  EXPECT_EQ(operand<uint32_t>(out[0], 0), 0xaau);
}

// Tests that the identity times a matrix is the matrix, on fragments laid out by hand.
TEST(Mma, IdentityTimesMatrix) {
  alignas(16) uint8_t in[32][16 * 7] = {}, out[32][16] = {};
  Lane lanes[32];
  // m16n8k4 of tf32: A[16, 4] in two registers, B[4, 8] in one, C in four.
  for (int lane = 0; lane < 32; ++lane) {
    lanes[lane] = {in[lane], out[lane]};
    int g = lane / 4, t = lane % 4;
    float registers[7] = {g == t ? 1.0f : 0.0f, 0, float(10 * t + g), 0, 0, 0, 0.5f};
    for (int i = 0; i < 7; ++i)
      std::memcpy(in[lane] + slotBytes * i, &registers[i], 4);
  }
  Site site;
  site.kind = OpKind::Mma;
  site.mode = uint8_t(MmaElement::Tf32);
  site.count = 4;
  multiplyFragments(site, lanes);
  for (int lane = 0; lane < 32; ++lane) {
    int g = lane / 4, t = lane % 4;
    float d[4];
    std::memcpy(d, out[lane], 16);
    EXPECT_EQ(d[0], g < 4 ? 10 * g + 2 * t : 0);
    EXPECT_EQ(d[1], g < 4 ? 10 * g + 2 * t + 1 : 0);
    EXPECT_EQ(d[2], 0);
    EXPECT_EQ(d[3], 0.5f);
  }
}

// Tests the narrow conversions where two roundings would differ from one: just above the middle of two neighbours.
TEST(Math, OneRounding) {
  EXPECT_EQ(toBf16(1.0), 0x3f80);
  EXPECT_EQ(toBf16(1.0 + std::ldexp(1, -8)), 0x3f80);                      // the middle: to even
  EXPECT_EQ(toBf16(1.0 + std::ldexp(1, -8) + std::ldexp(1, -40)), 0x3f81); // by a float, it would be the middle
  EXPECT_EQ(toF16(1.0 + std::ldexp(1, -11) + std::ldexp(1, -40)), 0x3c01);
  EXPECT_EQ(toBf16(3.4e38), 0x7f80);
  EXPECT_EQ(toBf16(std::nan("")), 0x7fff);
  EXPECT_EQ(fromBf16(0x4049), 3.140625f);
  EXPECT_EQ(fromF16(0xc248), -3.140625f);
}

// Tests that an address belongs to a buffer or to none, and how it is named.
TEST(Memory, FindsAndNamesBuffers) {
  Memory memory;
  EXPECT_EQ(memory.describe(1234), "");
  std::byte *a = memory.allocate("a", 10), *b = memory.allocate("b", 20);
  std::byte constant[8];
  memory.adopt("c", constant, 8, false);
  EXPECT_EQ(memory.find(uint64_t(a))->name, "a");
  EXPECT_EQ(memory.find(uint64_t(a) + 9)->name, "a");
  EXPECT_EQ(memory.find(uint64_t(a) + 10), nullptr);
  EXPECT_EQ(memory.find(uint64_t(b) - 1), nullptr);
  EXPECT_FALSE(memory.find(uint64_t(constant))->writable);
  EXPECT_EQ(memory.describe(uint64_t(a) + 12), "buffer 'a'+12 of 10 bytes");
  EXPECT_EQ(memory.describe(uint64_t(b) - 4), "buffer 'b'-4 of 20 bytes");
  EXPECT_EQ(int(a[0]), 0xff);
  memory.markInitialised(a + 2, 3);
  Buffer *buffer = memory.find(uint64_t(a));
  EXPECT_FALSE(buffer->initialised);
  EXPECT_TRUE(buffer->shadow[2].written && buffer->shadow[4].written);
  EXPECT_FALSE(buffer->shadow[1].written || buffer->shadow[5].written);
  memory.markInitialised(a, 10);
  EXPECT_TRUE(buffer->initialised);
  memory.release(a);
  EXPECT_EQ(memory.find(uint64_t(a)), nullptr);
}

// Tests the counts of one warp: column of a matrix, row of it, one word for all, wide rows.
TEST(Traffic, CountsTransactions) {
  struct {
    uint64_t stride, bytes;
    bool shared;
    uint64_t transactions, least;
  } cases[] = {
      {4, 4, true, 1, 1},    {128, 4, true, 32, 1}, {132, 4, true, 1, 1},    {0, 4, true, 1, 1},
      {8, 4, true, 2, 1},    {16, 16, true, 4, 4},  {8, 8, true, 2, 2},      {4, 4, false, 4, 4},
      {32, 4, false, 32, 4}, {0, 4, false, 1, 1},   {16, 16, false, 16, 16},
  };
  for (auto &test : cases) {
    Traffic traffic;
    Site site;
    site.reads = true;
    for (uint32_t lane = 0; lane < 32; ++lane)
      traffic.record(site, lane, 4096 + lane * test.stride, test.bytes, test.shared);
    std::vector<TrafficRow> rows = traffic.rows();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].warpAccesses, 1u);
    EXPECT_EQ(rows[0].transactions, test.transactions) << test.stride << " " << test.bytes;
    EXPECT_EQ(rows[0].least, test.least) << test.stride << " " << test.bytes;
  }
}

// Tests both forms of a report with everything in it.
TEST(Report, TextAndJson) {
  Report report;
  report.kernel = "k";
  report.grid = {2, 1, 1};
  report.block = {64, 1, 1};
  EXPECT_EQ(report.text(), "");
  Fault &fault = report.fault.emplace();
  fault.kind = "data-race";
  fault.message = "data race";
  fault.where = "k.mlir:3: store";
  fault.source = "k.mlir:3";
  fault.block = Dim3{1, 0, 0};
  fault.thread = Dim3{33, 0, 0};
  fault.warp = 1;
  fault.lane = 1;
  fault.address = 0x10;
  fault.object = "buffer 'x'+16 of 32 bytes";
  fault.notes.push_back({"written by another at", "k.mlir:2: store"});
  report.traffic.push_back({"k.mlir:5: load", true, true, false, 2, 8, 2});
  EXPECT_EQ(report.text(),
            "error: data race\n"
            "  kernel k block (1,0,0) thread (33,0,0) [warp 1 lane 1]\n"
            "  at k.mlir:3: store\n"
            "  address 0x10: buffer 'x'+16 of 32 bytes\n"
            "  note: written by another at k.mlir:2: store\n"
            "shared read   warp accesses       2, wavefronts       8, least       2 (4.00x) <-- k.mlir:5: load\n");
  auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json["fault"]["thread"], (std::vector<int>{33, 0, 0}));
  EXPECT_EQ(json["fault"]["address"], 16);
  EXPECT_EQ(json["fault"]["notes"][0]["where"], "k.mlir:2: store");
  EXPECT_EQ(json["traffic"][0]["transactions"], 8);
  EXPECT_EQ(json["ok"], false);
}
