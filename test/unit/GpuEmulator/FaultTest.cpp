// Each kind of fault, from the least IR that has it, and the words of its report.
#include "Harness.h"

#include <gtest/gtest.h>

using namespace qfa::emu;

namespace {

const std::string declarations = R"(
@shared = external addrspace(3) global [0 x i32], align 16
@first = internal addrspace(3) global [4 x i32] undef, align 16
@second = internal addrspace(3) global [4 x i32] undef, align 16
@table = internal addrspace(1) constant [2 x i32] [i32 1, i32 2], align 4
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.count(i32, i32)
declare void @llvm.nvvm.bar.warp.sync(i32)
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3), ptr addrspace(1), i32)
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare void @llvm.trap()
)";

struct FaultCase {
  const char *name, *body, *kind, *words;
};

const FaultCase faults[] = {
    {"OutOfBounds", "%y = getelementptr i32, ptr addrspace(1) %p, i32 64\n%r = load i32, ptr addrspace(1) %y",
     "out-of-bounds", "out-of-bounds read of 4 bytes"},
    {"OutOfBoundsBefore",
     "%y = getelementptr i32, ptr addrspace(1) %a, i32 -1\nstore i32 0, ptr addrspace(1) %y\n%r = add i32 %x, 0",
     "out-of-bounds", "buffer '0'-4 of 256 bytes"},
    {"SharedOutOfBounds",
     "%y = getelementptr i32, ptr addrspace(3) @shared, i32 64\n%r = load i32, ptr addrspace(3) %y", "out-of-bounds",
     "shared memory+256 of 256 bytes"},
    {"PastAVariable",
     "%f = ptrtoint ptr addrspace(3) @first to i64\n%s = ptrtoint ptr addrspace(3) @second to i64\n"
     "%l = icmp ult i64 %f, %s\n%m = select i1 %l, i64 %f, i64 %s\n%n = add i64 %m, 12\n%y = inttoptr i64 %n to ptr "
     "addrspace(3)\n"
     "store <2 x i32> zeroinitializer, ptr addrspace(3) %y, align 4\n%r = add i32 %x, 0",
     "out-of-bounds", "write of 8 bytes runs past the end of a shared variable"},
    {"SharedAsGlobal",
     "%s = addrspacecast ptr addrspace(3) @shared to ptr\n%g = addrspacecast ptr %s to ptr addrspace(1)\n"
     "%r = load i32, ptr addrspace(1) %g",
     "wrong-space", "read of global memory at an address in shared memory"},
    {"GlobalAsShared",
     "%s = addrspacecast ptr addrspace(1) %p to ptr\n%g = addrspacecast ptr %s to ptr addrspace(3)\n"
     "%r = load i32, ptr addrspace(3) %g",
     "out-of-bounds", "out-of-bounds read of 4 bytes"},
    {"Misaligned",
     "%y = getelementptr i8, ptr addrspace(1) %a, i32 4\n%v = load <4 x i32>, ptr addrspace(1) %y, align 16\n"
     "%r = extractelement <4 x i32> %v, i32 0",
     "misaligned", "read of 16 bytes at an address that is no multiple of 16"},
    {"ReadOnly", "store i32 0, ptr addrspace(1) @table\n%r = add i32 %x, 0", "read-only", "write to constant memory"},
    {"UninitialisedShared", "%r = load i32, ptr addrspace(3) @shared", "uninitialised-read",
     "read of uninitialised shared memory"},
    {"UninitialisedGlobal", "%r = load i32, ptr addrspace(1) %o", "uninitialised-read",
     "read of uninitialised global memory"},
    {"WriteAfterWrite", "store i32 %t, ptr addrspace(3) @shared\n%r = add i32 %x, 0", "data-race",
     "data race: write of shared memory after an unsynchronised write"},
    {"ReadAfterWrite",
     "%y = load i32, ptr addrspace(1) %a\nstore i32 %y, ptr addrspace(1) %p\n%r = add i32 %y, "
     "0",
     "data-race", "read of global memory after an unsynchronised write"},
    {"PlainAfterAtomic", "%z = atomicrmw add ptr addrspace(1) %a, i32 1 monotonic\n%r = load i32, ptr addrspace(1) %a",
     "data-race", "data race: write of global memory after an unsynchronised read"},
    {"WarpSyncIsTooWeak",
     "%at = getelementptr i32, ptr addrspace(3) @shared, i32 %t\nstore i32 %x, ptr addrspace(3) %at\n"
     "call void @llvm.nvvm.bar.warp.sync(i32 -1)\n%u = xor i32 %t, 32\n%from = getelementptr i32, ptr addrspace(3) "
     "@shared, i32 %u\n"
     "%other = icmp uge i32 %t, 32\nbr i1 %other, label %read, label %end\nread:\n%y = load i32, ptr addrspace(3) "
     "%from\n"
     "br label %end\nend:\n%r = phi i32 [ 0, %0 ], [ %y, %read ]",
     "data-race", "written by thread (31,0,0) [warp 0 lane 31]"},
    {"DivergentBarrier",
     "%c = icmp ult i32 %t, 5\nbr i1 %c, label %out, label %go\nout:\nret void\ngo:\n"
     "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n%r = add i32 %x, 0",
     "divergent-barrier", "note: threads 0-4 have exited"},
    {"TwoBarriers",
     "%c = icmp ult i32 %t, 5\nbr i1 %c, label %one, label %two\none:\n"
     "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\nbr label %end\ntwo:\n"
     "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\nbr label %end\nend:\n%r = add i32 %x, 0",
     "divergent-barrier", "lanes of one warp are at different barrier instructions"},
    {"BarrierCounts",
     "%h = lshr i32 %t, 5\n%k = shl i32 %h, 5\n%n = add i32 %k, 32\n%m = add i32 %n, 32\n"
     "call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 %m)\n%r = add i32 %x, 0",
     "divergent-barrier", "a thread comes to barrier 1 for 96 threads, others wait there for 64"},
    {"BarrierNumber", "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 16)\n%r = add i32 %x, 0", "bad-barrier",
     "barrier number 16, wanted at most 15"},
    {"BarrierMultiple", "call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 33)\n%r = add i32 %x, 0",
     "bad-barrier", "barrier count 33 is no multiple of 32"},
    {"NotInMask", "call void @llvm.nvvm.bar.warp.sync(i32 2)\n%r = add i32 %x, 0", "divergent-collective",
     "member mask 0x00000002 does not hold the executing lane 0"},
    {"ExitedLanes",
     "%c = icmp ult i32 %t, 2\nbr i1 %c, label %out, label %go\nout:\nret void\ngo:\n"
     "call void @llvm.nvvm.bar.warp.sync(i32 -1)\n%r = add i32 %x, 0",
     "divergent-collective",
     "member mask 0xffffffff names lanes that have exited or do not exist, living are 0xfffffffc"},
    {"MissingLanes",
     "%c = icmp eq i32 %t, 1\nbr i1 %c, label %block, label %go\nblock:\n"
     "call void @llvm.nvvm.bar.warp.sync(i32 2)\ncall void @llvm.nvvm.bar.warp.sync(i32 3)\nbr label %end\n"
     "go:\ncall void @llvm.nvvm.bar.warp.sync(i32 -1)\nbr label %end\nend:\n%r = add i32 %x, 0",
     "divergent-collective", "lanes of one member mask wait at different instructions"},
    {"ShuffleFromOutside",
     "%c = icmp ult i32 %t, 16\n%m = select i1 %c, i32 65535, i32 -65536\n"
     "%r = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 %m, i32 %x, i32 3, i32 31)",
     "divergent-collective", "a shuffle reads from lane 3, which is not in its member mask 0xffff0000"},
    {"CopySource",
     "call void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3) @shared, ptr addrspace(1) %p, i32 5)\n%r = "
     "add i32 %x, 0",
     "bad-copy", "cp.async of 4 bytes has a source of 5"},
    {"CopyNotWaited",
     "%at = getelementptr i32, ptr addrspace(3) @shared, i32 %t\n"
     "call void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3) %at, ptr addrspace(1) %p, i32 4)\n"
     "call void @llvm.nvvm.cp.async.commit.group()\n%r = add i32 %x, 0",
     "unwaited-copy", "a thread exits while its cp.async is in flight"},
    {"CopyOverwritten",
     "%at = getelementptr i32, ptr addrspace(3) @shared, i32 %t\n"
     "call void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3) %at, ptr addrspace(1) %p, i32 4)\n"
     "store i32 0, ptr addrspace(3) %at\n%r = add i32 %x, 0",
     "in-flight-copy", "write of shared memory while a cp.async to it is in flight"},
    {"Trap", "call void @llvm.trap()\n%r = add i32 %x, 0", "trap", "a trap was executed"},
    {"Division", "%z = sub i32 %t, 7\n%r = udiv i32 100, %z", "division-by-zero", "thread (7,0,0) [warp 0 lane 7]"},
    {"EndlessLoop",
     "br label %l\nl:\n%v = load volatile i32, ptr addrspace(1) %p\n%e = icmp eq i32 %v, 12345\nbr i1 %e, label %m, "
     "label %l\nm:\n"
     "%r = add i32 %x, 0",
     "endless-loop", "a thread executed more than 100000 instructions in loops"},
};

class FaultOf : public testing::TestWithParam<FaultCase> {};

} // namespace

// Tests that the fault is found, that its kind is for scripts to read, and its words for people.
TEST_P(FaultOf, IsReported) {
  const FaultCase &test = GetParam();
  LaunchOptions options;
  options.instructionBudget = 100000;
  LaneRun run = runLanes(test.body, declarations, std::vector<int32_t>(64, 1), 256, options);
  ASSERT_FALSE(run.report.ok());
  EXPECT_EQ(run.report.fault->kind, test.kind) << run.report.text();
  EXPECT_NE(run.report.text().find(test.words), std::string::npos) << run.report.text();
}

INSTANTIATE_TEST_SUITE_P(Emulator, FaultOf, testing::ValuesIn(faults), [](auto &info) { return info.param.name; });

// Tests that a thread may wait for another's flag: the scheduler takes the turn away.
TEST(Launch, AThreadMayWaitForAnother) {
  std::string body = "%writer = icmp eq i32 %t, 63\nbr i1 %writer, label %write, label %wait\n"
                     "write:\n%old = atomicrmw xchg ptr addrspace(3) @shared, i32 5 monotonic\nbr label %end\n"
                     "wait:\n%v = load atomic i32, ptr addrspace(3) @shared monotonic, align 4\n%e = icmp eq i32 %v, "
                     "5\nbr i1 %e, label %end, label %wait\n"
                     "end:\n%r = phi i32 [ 5, %write ], [ %v, %wait ]";
  LaunchOptions options;
  options.uninitialised = false; // the flag is read before it is written
  LaneRun run = runLanes(body, declarations, std::vector<int32_t>(64), 16, options);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result, std::vector<int32_t>(64, 5));
}

// Tests that what one launch writes the next may read, and that an unchecked launch counts as having written all.
TEST(Launch, MemoryOutlivesALaunch) {
  const char *text = "define ptx_kernel void @fill(ptr %p) {\n  store i32 7, ptr %p\n  ret void\n}\n"
                     "define ptx_kernel void @use(ptr %p) {\n  %v = load i32, ptr %p\n  %w = add i32 %v, 1\n  store "
                     "i32 %w, ptr %p\n  ret void\n}\n";
  IrProgram program(text);
  std::byte *data = program.emptyBuffer(4);
  Report report = program.run("use", {}, {1});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.fault->kind, "uninitialised-read");
  EXPECT_TRUE(program.run("fill", {}, {1}).ok());
  report = program.run("use", {}, {1});
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(program.contents<int32_t>(data, 1)[0], 8);

  IrProgram unchecked(text, /*checks=*/false);
  unchecked.emptyBuffer(4);
  EXPECT_TRUE(unchecked.run("use", {}, {1}).ok());
}

// Tests that kernels of one module have each their own shared memory: together they would need more than a block has.
TEST(Launch, SharedMemoryIsAKernelsOwn) {
  std::string text;
  for (std::string n : {"0", "1"})
    text += "@big" + n + " = internal addrspace(3) global [160000 x i8] undef, align 16\ndefine ptx_kernel void @k" +
            n + "(ptr %p) {\n  store i8 1, ptr addrspace(3) @big" + n + "\n  store i8 2, ptr %p\n  ret void\n}\n";
  IrProgram program(text);
  program.emptyBuffer(1);
  for (std::string n : {"k0", "k1"}) {
    Report report = program.run(n, {}, {1});
    EXPECT_TRUE(report.ok()) << report.text();
  }
}

// Tests that blocks on several host threads give what one gives.
TEST(Launch, WorkersShareTheBlocks) {
  IrProgram program(
      "define ptx_kernel void @count(ptr %p) {\n  %old = atomicrmw add ptr %p, i32 1 monotonic\n  ret void\n}\n",
      false);
  std::byte *data = program.buffer(std::vector<int32_t>{0});
  program.options.workers = 3;
  Report report = program.run("count", {500}, {33});
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(report.counters.blocks, 500u);
  EXPECT_EQ(program.contents<int32_t>(data, 1)[0], 500 * 33);
}

// Tests that a module whose memory the host would lay out otherwise is refused.
TEST(Load, LayoutsMustAgree) {
  std::string text = "target datalayout = \"e-i64:64-f64:32\"\ntarget triple = \"nvptx64-nvidia-cuda\"\n"
                     "define ptx_kernel void @k(ptr %p) {\n  %q = getelementptr {i8, double}, ptr %p, i32 1\n  store "
                     "i8 0, ptr %q\n  ret void\n}\n";
  auto program = Program::load({text, "test.ll"});
  ASSERT_FALSE(bool(program));
  EXPECT_NE(llvm::toString(program.takeError()).find("type { i8, double }, which the host lays out otherwise"),
            std::string::npos);
}

// Tests that the address of a shared variable in a constant, and a variable from elsewhere, are refused.
TEST(Load, VariablesThatCannotBePlaced) {
  EXPECT_EQ(loadError("@s = internal addrspace(3) global i32 undef\n@t = addrspace(1) global ptr addrspace(3) @s\n"
                      "define ptx_kernel void @k() {\n  ret void\n}\n"),
            "not emulated: address of shared variable 's' in a constant");
  EXPECT_EQ(loadError("@e = external addrspace(1) global i32\ndefine ptx_kernel void @k() {\n  store i32 0, ptr "
                      "addrspace(1) @e\n  ret void\n}\n"),
            "not emulated: external variable 'e'");
}
