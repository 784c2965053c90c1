// Barriers of warps and blocks: each lets a neighbour's store be read, and without it the read is a fault.
#include "Harness.h"
#include "OperationCases.h"

#include <gtest/gtest.h>

using namespace qfa::emu;

namespace {

const std::string shared = "@shared = external addrspace(3) global [0 x i32], align 16\n";

// Every thread writes its value and reads that of thread t ^ distance.
std::string storeThenRead(const std::string &between, int distance) {
  return "%at = getelementptr i32, ptr addrspace(3) @shared, i32 %t\nstore i32 %x, ptr addrspace(3) %at\n" + between +
         "\n%other = xor i32 %t, " + std::to_string(distance) +
         "\n%from = getelementptr i32, ptr addrspace(3) @shared, i32 %other\n%r = load i32, ptr addrspace(3) %from";
}

std::vector<int32_t> iota(int count) {
  std::vector<int32_t> values(count);
  for (int i = 0; i < count; ++i)
    values[i] = 1000 + i;
  return values;
}

void expectOrder(const std::string &name, const std::string &operands, const std::string &types,
                 const std::string &before, int threads, int distance) {
  std::vector<int32_t> x = iota(threads), wanted(threads);
  for (int i = 0; i < threads; ++i)
    wanted[i] = x[i ^ distance];
  std::string declaration = shared + "declare void @llvm.nvvm." + name + "(" + types + ")\n";
  for (Schedule schedule : {Schedule::Forward, Schedule::Reverse, Schedule::Random}) {
    LaunchOptions options;
    options.schedule = schedule;
    std::string call = before + "call void @llvm.nvvm." + name + "(" + operands + ")";
    LaneRun run = runLanes(storeThenRead(call, distance), declaration, x, threads * 4, options);
    EXPECT_TRUE(run.report.ok()) << run.report.text();
    EXPECT_EQ(run.result, wanted);
    run = runLanes(storeThenRead("", distance), declaration, x, threads * 4, options);
    ASSERT_FALSE(run.report.ok());
    EXPECT_TRUE(run.report.fault->kind == "data-race" || run.report.fault->kind == "uninitialised-read");
  }
}

// Warp 0 arrives without waiting, warp 1 waits for it and reads what it wrote.
void testArrive(const std::string &name) {
  std::string kind = name.find("aligned") != std::string::npos ? ".aligned" : "";
  std::string declarations = shared + "declare void @llvm.nvvm." + name +
                             "(i32, i32)\ndeclare void @llvm.nvvm.barrier.cta.sync" + kind + ".count(i32, i32)\n";
  auto body = [&](const std::string &arrive) {
    return "%producer = icmp ult i32 %t, 32\nbr i1 %producer, label %write, label %read\n"
           "write:\n%at = getelementptr i32, ptr addrspace(3) @shared, i32 %t\nstore i32 %x, ptr addrspace(3) %at\n" +
           arrive +
           "\nbr label %end\n"
           "read:\ncall void @llvm.nvvm.barrier.cta.sync" +
           kind +
           ".count(i32 3, i32 64)\n%other = sub i32 %t, 32\n"
           "%from = getelementptr i32, ptr addrspace(3) @shared, i32 %other\n%got = load i32, ptr addrspace(3) "
           "%from\nbr label %end\n"
           "end:\n%r = phi i32 [ 0, %write ], [ %got, %read ]";
  };
  std::vector<int32_t> x = iota(64), wanted(64);
  for (int i = 32; i < 64; ++i)
    wanted[i] = x[i - 32];
  LaneRun run = runLanes(body("call void @llvm.nvvm." + name + "(i32 3, i32 64)"), declarations, x, 128);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result, wanted);
  run = runLanes(body(""), declarations, x, 128);
  ASSERT_FALSE(run.report.ok());
  EXPECT_EQ(run.report.fault->kind, "divergent-barrier");
  EXPECT_NE(run.report.text().find("threads 32-63 wait at barrier 3 (32 of 64 arrived)"), std::string::npos)
      << run.report.text();
}

// Changes no value and orders nothing by itself.
void testNoEffect(const std::string &name, const std::string &type, const std::string &operand) {
  LaneRun run = runLanes("call void @llvm.nvvm." + name + "(" + operand + ")\n%r = add i32 %x, 1",
                         "declare void @llvm.nvvm." + name + "(" + type + ")\n", {4, 5, 6});
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result, (std::vector<int32_t>{5, 6, 7}));
}

void testSpace(const std::string &space) {
  std::string name = "@llvm.nvvm.isspacep." + space;
  LaneRun run =
      runLanes("%s = addrspacecast ptr addrspace(3) @shared to ptr\n%g = addrspacecast ptr addrspace(1) %a to ptr\n"
               "%i = call i1 " +
                   name + "(ptr %s)\n%j = call i1 " + name +
                   "(ptr %g)\n"
                   "%k = zext i1 %i to i32\n%l = zext i1 %j to i32\n%m = mul i32 %k, 10\n%r = add i32 %m, %l",
               shared + "declare i1 " + name + "(ptr)\n", {0}, 16);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result[0], space == "shared" ? 10 : 1); // first digit: of the shared address
}

} // namespace

void qfa::emu::addBarrierCases(OperationCases &cases) {
  cases["bar.warp.sync"] = [] { expectOrder("bar.warp.sync", "i32 -1", "i32", "", 64, 31); };
  for (std::string aligned : {"", ".aligned"}) {
    std::string all = "barrier.cta.sync" + aligned + ".all", count = "barrier.cta.sync" + aligned + ".count";
    cases[all] = [=] { expectOrder(all, "i32 0", "i32", "", 128, 127); };
    // The halves of the block meet at barriers of their own.
    cases[count] = [=] {
      expectOrder(count, "i32 %id, i32 64", "i32, i32", "%half = lshr i32 %t, 6\n%id = add i32 %half, 1\n", 128, 63);
    };
    std::string arrive = "barrier.cta.arrive" + aligned + ".count";
    cases[arrive] = [=] { testArrive(arrive); };
  }
  for (std::string fence : {"membar.cta", "membar.gl", "membar.sys"})
    cases[fence] = [=] { testNoEffect(fence, "", ""); };
  cases["nanosleep"] = [] { testNoEffect("nanosleep", "i32", "i32 20"); };
  cases["isspacep.shared"] = [] { testSpace("shared"); };
  cases["isspacep.global"] = [] { testSpace("global"); };
}
