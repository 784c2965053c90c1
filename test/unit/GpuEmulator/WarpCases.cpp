// Shuffles, votes, reductions, matches, elections: what each lane gets, stated per lane.
#include "Harness.h"
#include "OperationCases.h"

#include <algorithm>
#include <bit>
#include <gtest/gtest.h>
#include <random>

using namespace qfa::emu;

namespace {

using Lanes = std::vector<int32_t>;

Lanes randomLanes(int count = 32, int bound = 100) {
  static std::mt19937 random(3);
  Lanes lanes(count);
  for (int32_t &x : lanes)
    x = int32_t(random() % (2 * bound)) - bound;
  return lanes;
}

void expectLanes(const std::string &body, const std::string &declarations, const Lanes &x, const Lanes &wanted) {
  LaneRun run = runLanes(body, declarations, x);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result, wanted);
}

// Lanes talk within segments of `width`; one that would read outside its segment keeps its own value, predicate false.
int sourceOf(const std::string &mode, int lane, int delta, int width) {
  int place = lane % width, first = lane - place;
  int source = mode == "up" ? place - delta : mode == "down" ? place + delta : mode == "bfly" ? place ^ delta : delta;
  return source < 0 || source >= width ? -1 : first + source;
}

void testShuffle(const std::string &mode, bool isFloat, bool predicate) {
  std::string type = isFloat ? "float" : "i32",
              name = "llvm.nvvm.shfl.sync." + mode + (isFloat ? ".f32" : ".i32") + (predicate ? "p" : "");
  std::string result = predicate ? "{" + type + ", i1}" : type;
  for (int width : {32, 16, 8})
    for (int delta : {0, 1, 3, 7}) {
      // The encoding that CUDA uses: the segment's mask above, the clamp below.
      int c = (32 - width) << 8 | (mode == "up" ? 0 : 31);
      std::string body = "%v = bitcast i32 %x to " + type + "\n%s = call " + result + " @" + name + "(i32 -1, " + type +
                         " %v, i32 " + std::to_string(delta) + ", i32 " + std::to_string(c) + ")\n";
      if (predicate)
        body += "%y = extractvalue " + result + " %s, 0\n%p1 = extractvalue " + result + " %s, 1\n%i = bitcast " +
                type + " %y to i32\n%w = zext i1 %p1 to i32\n%k = shl i32 %w, 20\n%r = add i32 %i, %k";
      else
        body += "%r = bitcast " + type + " %s to i32";
      Lanes x = randomLanes(), wanted(32);
      for (int lane = 0; lane < 32; ++lane) {
        int source = sourceOf(mode, lane, delta, width);
        wanted[lane] = x[source < 0 ? lane : source] + (predicate && source >= 0 ? 1 << 20 : 0);
      }
      SCOPED_TRACE(mode + " by " + std::to_string(delta) + " in " + std::to_string(width));
      expectLanes(body, "declare " + result + " @" + name + "(i32, " + type + ", i32, i32)\n", x, wanted);
    }
}

// The lower and the upper half of the warp each call with their own member mask.
const std::string halfMask = "%low = icmp ult i32 %t, 16\n%mask = select i1 %low, i32 65535, i32 -65536\n";

Lanes halves(const Lanes &x, const std::function<int32_t(const Lanes &half, int lane)> &statement) {
  Lanes wanted;
  for (int first : {0, 16})
    for (int lane = 0; lane < 16; ++lane)
      wanted.push_back(statement({x.begin() + first, x.begin() + first + 16}, lane) << 0);
  return wanted;
}

void testVote(const std::string &mode) {
  for (const char *compare : {"sgt", "sge", "slt"}) {
    // Some, all and no lanes say yes: values are 0 to 9.
    Lanes x = randomLanes(32, 5);
    for (int32_t &value : x)
      value += 5;
    auto yes = [&](int32_t value) { return std::string(compare) == "sgt" ? value > 4 : std::string(compare) == "sge"; };
    bool ballot = mode == "ballot";
    std::string type = ballot ? "i32" : "i1", bound = std::string(compare) == "sgt" ? "4" : "0";
    Lanes wanted = halves(x, [&](const Lanes &half, int) -> int32_t {
      int count = std::count_if(half.begin(), half.end(), yes);
      return mode == "any" ? count > 0 : mode == "all" ? count == 16 : count == 0 || count == 16;
    });
    if (ballot)
      for (int first : {0, 16}) {
        uint32_t bits = 0;
        for (int lane = first; lane < first + 16; ++lane)
          bits |= uint32_t(yes(x[lane])) << lane;
        std::fill(wanted.begin() + first, wanted.begin() + first + 16, int32_t(bits));
      }
    expectLanes(halfMask + "%c = icmp " + compare + " i32 %x, " + bound + "\n%v = call " + type + " @llvm.nvvm.vote." +
                    mode + ".sync(i32 %mask, i1 %c)\n" + (ballot ? "%r = add i32 %v, 0" : "%r = zext i1 %v to i32"),
                "declare " + type + " @llvm.nvvm.vote." + mode + ".sync(i32, i1)\n", x, wanted);
  }
}

void testReduction(const std::string &mode, const std::function<int32_t(int32_t, int32_t)> &both) {
  Lanes x = randomLanes();
  Lanes wanted = halves(x, [&](const Lanes &half, int) {
    int32_t sum = half[0];
    for (int i = 1; i < 16; ++i)
      sum = both(sum, half[i]);
    return sum;
  });
  expectLanes(halfMask + "%r = call i32 @llvm.nvvm.redux.sync." + mode + "(i32 %x, i32 %mask)",
              "declare i32 @llvm.nvvm.redux.sync." + mode + "(i32, i32)\n", x, wanted);
}

void testMatch(const std::string &type) {
  Lanes x = randomLanes(32, 2), wanted(32);
  for (int lane = 0; lane < 32; ++lane)
    for (int other = lane / 16 * 16; other < lane / 16 * 16 + 16; ++other)
      wanted[lane] |= uint32_t(x[lane] == x[other]) << other;
  // In 64 bits the lower words are equal, so that the upper ones decide.
  std::string value = type == "i32" ? "%v = add i32 %x, 0\n" : "%w = zext i32 %x to i64\n%v = shl i64 %w, 32\n";
  expectLanes(halfMask + value + "%r = call i32 @llvm.nvvm.match.any.sync." + type + "(i32 %mask, " + type + " %v)",
              "declare i32 @llvm.nvvm.match.any.sync." + type + "(i32, " + type + ")\n", x, wanted);
}

void testElect() {
  // Members are the odd lanes from 5 on.
  Lanes x = randomLanes(), wanted = x;
  uint32_t mask = 0;
  for (int lane = 5; lane < 32; lane += 2)
    mask |= 1u << lane;
  for (int lane = 5; lane < 32; lane += 2)
    wanted[lane] = lane == 5 ? 105 : 5;
  std::string m = std::to_string(int32_t(mask));
  expectLanes("%b = shl i32 1, %t\n%in = and i32 %b, " + m +
                  "\n%member = icmp ne i32 %in, 0\nbr i1 %member, label %go, label %end\n"
                  "go:\n%e = call {i32, i1} @llvm.nvvm.elect.sync(i32 " +
                  m +
                  ")\n%leader = extractvalue {i32, i1} %e, 0\n"
                  "%mine = extractvalue {i32, i1} %e, 1\n%w = select i1 %mine, i32 100, i32 0\n%sum = add i32 %leader, "
                  "%w\nbr label %end\n"
                  "end:\n%r = phi i32 [ %x, %0 ], [ %sum, %go ]",
              "declare {i32, i1} @llvm.nvvm.elect.sync(i32)\n", x, wanted);
}

} // namespace

void qfa::emu::addWarpCases(OperationCases &cases) {
  for (std::string mode : {"up", "down", "bfly", "idx"})
    for (bool isFloat : {false, true})
      for (bool predicate : {false, true})
        cases["shfl.sync." + mode + (isFloat ? ".f32" : ".i32") + (predicate ? "p" : "")] = [=] {
          testShuffle(mode, isFloat, predicate);
        };
  for (std::string mode : {"ballot", "any", "all", "uni"})
    cases["vote." + mode + ".sync"] = [=] { testVote(mode); };
  auto reduction = [&](const std::string &mode, const std::function<int32_t(int32_t, int32_t)> &both) {
    cases["redux.sync." + mode] = [=] { testReduction(mode, both); };
  };
  reduction("add", [](int32_t a, int32_t b) { return a + b; });
  reduction("min", [](int32_t a, int32_t b) { return std::min(a, b); });
  reduction("max", [](int32_t a, int32_t b) { return std::max(a, b); });
  reduction("umin", [](uint32_t a, uint32_t b) { return int32_t(std::min(a, b)); });
  reduction("umax", [](uint32_t a, uint32_t b) { return int32_t(std::max(a, b)); });
  reduction("and", [](int32_t a, int32_t b) { return a & b; });
  reduction("or", [](int32_t a, int32_t b) { return a | b; });
  reduction("xor", [](int32_t a, int32_t b) { return a ^ b; });
  cases["match.any.sync.i32"] = [] { testMatch("i32"); };
  cases["match.any.sync.i64"] = [] { testMatch("i64"); };
  cases["elect.sync"] = testElect;
}
