// cp.async and its groups.
#include "Harness.h"
#include "OperationCases.h"

#include <gtest/gtest.h>

using namespace qfa::emu;

namespace {

const std::string declarations =
    "@tile = internal addrspace(3) global [1024 x i8] undef, align 16\n"
    "declare void @llvm.nvvm.cp.async.commit.group()\n"
    "declare void @llvm.nvvm.cp.async.wait.group(i32)\n"
    "declare void @llvm.nvvm.cp.async.wait.all()\n"
    "declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))\n";
const std::string commit = "call void @llvm.nvvm.cp.async.commit.group()\n",
                  waitZero = "call void @llvm.nvvm.cp.async.wait.group(i32 0)\n";

// Each of 32 threads copies `bytes` of its own, of which the first `sourceBytes` come from memory; then reads them
// back.
void testCopy(const std::string &name, int bytes, int sourceBytes) {
  bool sized = name.ends_with(".s");
  std::string text = declarations;
  if (name != "cp.async.ca.shared.global.4")
    text += "declare void @llvm.nvvm." + name + "(ptr addrspace(3), ptr addrspace(1)" + (sized ? ", i32" : "") + ")\n";
  std::string b = std::to_string(bytes);
  text +=
      "define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {\n"
      "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n  %o = mul i32 %t, " +
      b +
      "\n"
      "  %s = getelementptr i8, ptr addrspace(3) @tile, i32 %o\n  %g = getelementptr i8, ptr addrspace(1) %in, i32 %o\n"
      "  call void @llvm.nvvm." +
      name + "(ptr addrspace(3) %s, ptr addrspace(1) %g" + (sized ? ", i32 " + std::to_string(sourceBytes) : "") +
      ")\n" + commit + waitZero + "  %v = load <" + b + " x i8>, ptr addrspace(3) %s, align " + b +
      "\n  %q = getelementptr i8, ptr addrspace(1) %out, i32 %o\n"
      "  store <" +
      b + " x i8> %v, ptr addrspace(1) %q, align " + b + "\n  ret void\n}\n";
  IrProgram program(text);
  std::vector<uint8_t> in(32 * bytes), wanted(32 * bytes);
  for (size_t i = 0; i < in.size(); ++i) {
    in[i] = i * 7 + 1;
    wanted[i] = int(i) % bytes < sourceBytes ? in[i] : 0;
  }
  program.buffer(in);
  std::byte *out = program.emptyBuffer(in.size());
  Report report = program.run("k", {}, {32});
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(program.contents<uint8_t>(out, wanted.size()), wanted) << sourceBytes << " of " << bytes;
}

// Three groups of one copy each, then a wait, then a read of the numbered copy.
LaneRun waitAndRead(const std::string &wait, int read) {
  std::string body;
  for (int i = 0; i < 3; ++i) {
    std::string n = std::to_string(i);
    body += "%s" + n + " = getelementptr i32, ptr addrspace(3) @tile, i32 " + n + "\n%g" + n +
            " = getelementptr i32, ptr addrspace(1) %a, i32 " + n +
            "\ncall void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %s" + n + ", ptr addrspace(1) %g" + n +
            ")\n" + (i < 2 ? commit : "");
  }
  body += wait + "%r = load i32, ptr addrspace(3) %s" + std::to_string(read) + "\n" + commit + waitZero;
  LaneRun run =
      runLanes("%first = icmp eq i32 %t, 0\nbr i1 %first, label %go, label %skip\nskip:\nret void\ngo:\n" + body,
               declarations, {7, 8, 9});
  return run;
}

void expectArrived(const std::string &wait, int read) {
  LaneRun run = waitAndRead(wait, read);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.result[0], 7 + read);
}

void expectInFlight(const std::string &wait, int read) {
  LaneRun run = waitAndRead(wait, read);
  ASSERT_FALSE(run.report.ok()) << "copy " << read << " is in flight";
  EXPECT_EQ(run.report.fault->kind, "in-flight-copy");
}

} // namespace

void qfa::emu::addCopyCases(OperationCases &cases) {
  for (std::string kind : {"ca.shared.global.4", "ca.shared.global.8", "ca.shared.global.16", "cg.shared.global.16"}) {
    int bytes = std::stoi(kind.substr(kind.rfind('.') + 1));
    cases["cp.async." + kind] = [=] { testCopy("cp.async." + kind, bytes, bytes); };
    cases["cp.async." + kind + ".s"] = [=] {
      for (int source : {0, 1, bytes / 2, bytes})
        testCopy("cp.async." + kind + ".s", bytes, source);
    };
  }
  // Copies 0 and 1 are in groups, copy 2 in none.
  cases["cp.async.commit.group"] = [] {
    expectArrived(waitZero, 1);
    expectInFlight(waitZero, 2);
    expectArrived(commit + waitZero, 2);
  };
  cases["cp.async.wait.group"] = [] {
    expectArrived("call void @llvm.nvvm.cp.async.wait.group(i32 1)\n", 0);
    expectInFlight("call void @llvm.nvvm.cp.async.wait.group(i32 1)\n", 1);
    expectInFlight("call void @llvm.nvvm.cp.async.wait.group(i32 2)\n", 0);
  };
  cases["cp.async.wait.all"] = [] {
    for (int i = 0; i < 3; ++i)
      expectArrived("call void @llvm.nvvm.cp.async.wait.all()\n", i);
  };
}
