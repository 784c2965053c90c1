// Every warp, barrier, copy and matrix instruction and every special register, run from IR.
#include "Harness.h"
#include "OperationCases.h"

#include "qfa/GpuEmulator/Intrinsics.h"

#include "llvm/IR/Intrinsics.h"

#include <gtest/gtest.h>

using namespace qfa::emu;

// Tests each row of the table, that none is without a case, and that LLVM knows its name.
TEST(Operation, EachRow) {
  OperationCases cases;
  addWarpCases(cases);
  addBarrierCases(cases);
  addCopyCases(cases);
  addMatrixCases(cases);
  addWarpgroupCases(cases);
  for (std::string_view row : operationNames()) {
    std::string name(row);
    SCOPED_TRACE(name);
    EXPECT_NE(llvm::Intrinsic::lookupIntrinsicID("llvm.nvvm." + name), 0u);
    ASSERT_TRUE(cases.contains(name));
    cases[name]();
    cases.erase(name);
  }
  for (auto &[name, run] : cases)
    ADD_FAILURE() << name << " is in no row";
}

// Tests that each special register reads what the launch says, in three dimensions.
TEST(Operation, SpecialRegisters) {
  std::vector<std::string_view> names = registerNames();
  std::string text = "@dynamic = external addrspace(3) global [0 x i8], align 16\n"
                     "@fixed = internal addrspace(3) global [48 x i8] undef, align 16\n";
  for (std::string_view name : names)
    if (name != "tid.x" && name != "ctaid.x")
      text += "declare i32 @llvm.nvvm.read.ptx.sreg." + std::string(name) + "()\n";
  text += "define ptx_kernel void @k(ptr %out, ptr %i) {\n";
  for (size_t i = 0; i < names.size(); ++i)
    text += "  %r" + std::to_string(i) + " = call i32 @llvm.nvvm.read.ptx.sreg." + std::string(names[i]) + "()\n";
  auto indexOf = [&](std::string_view name) {
    return "%r" + std::to_string(std::find(names.begin(), names.end(), name) - names.begin());
  };
  // Only the last thread of the last block writes, so that no two write one place.
  const char *wanted[][2] = {{"tid.x", "4"},   {"tid.y", "3"},   {"tid.z", "1"},
                             {"ctaid.x", "1"}, {"ctaid.y", "2"}, {"ctaid.z", "3"}};
  text += "  %all0 = icmp eq i32 0, 0\n";
  for (int i = 0; i < 6; ++i) {
    std::string n = std::to_string(i), next = std::to_string(i + 1);
    text += "  %is" + n + " = icmp eq i32 " + indexOf(wanted[i][0]) + ", " + wanted[i][1] + "\n  %all" + next +
            " = and i1 %all" + n + ", %is" + n + "\n";
  }
  text += "  br i1 %all6, label %write, label %done\nwrite:\n  store i8 0, ptr addrspace(3) @fixed\n";
  for (size_t i = 0; i < names.size(); ++i) {
    std::string n = std::to_string(i);
    text += "  %p" + n + " = getelementptr i32, ptr %out, i32 " + n + "\n  store i32 %r" + n + ", ptr %p" + n + "\n";
  }
  text += "  br label %done\ndone:\n  ret void\n}\n";
  IrProgram program(text);
  std::byte *out = program.emptyBuffer(names.size() * 4);
  program.buffer(std::vector<int32_t>(1));
  Report report = program.run("k", {2, 3, 4}, {5, 4, 2}, 100);
  ASSERT_TRUE(report.ok()) << report.text();
  // Thread (4,3,1) of 5x4x2 is number 39: lane 7 of warp 1.
  std::map<std::string_view, uint32_t> values = {{"tid.x", 4},
                                                 {"tid.y", 3},
                                                 {"tid.z", 1},
                                                 {"ctaid.x", 1},
                                                 {"ctaid.y", 2},
                                                 {"ctaid.z", 3},
                                                 {"ntid.x", 5},
                                                 {"ntid.y", 4},
                                                 {"ntid.z", 2},
                                                 {"nctaid.x", 2},
                                                 {"nctaid.y", 3},
                                                 {"nctaid.z", 4},
                                                 {"laneid", 7},
                                                 {"warpid", 1},
                                                 {"nwarpid", 2},
                                                 {"dynamic_smem_size", 100},
                                                 {"total_smem_size", 148},
                                                 {"lanemask.eq", 0x80},
                                                 {"lanemask.lt", 0x7f},
                                                 {"lanemask.le", 0xff},
                                                 {"lanemask.gt", 0xffffff00},
                                                 {"lanemask.ge", 0xffffff80}};
  std::vector<uint32_t> results = program.contents<uint32_t>(out, names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    ASSERT_TRUE(values.contains(names[i])) << names[i] << " has no case";
    EXPECT_EQ(results[i], values[names[i]]) << names[i];
  }
}
