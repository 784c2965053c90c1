// Test harness: IR text in, report and buffers out.
#include "Harness.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace qfa::emu;

std::string qfa::emu::withTarget(const std::string &text) {
  return "target datalayout = \"e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64\"\n"
         "target triple = \"nvptx64-nvidia-cuda\"\n"
         "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
         "declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n" +
         text;
}

std::string qfa::emu::loadError(const std::string &text) {
  std::string whole = withTarget(text);
  auto program = Program::load({whole, "test.ll"});
  return program ? "" : llvm::toString(program.takeError());
}

IrProgram::IrProgram(const std::string &text, bool checks) {
  std::string whole = withTarget(text);
  auto loaded = Program::load({whole, "test.ll"}, {checks});
  if (!loaded) {
    ADD_FAILURE() << llvm::toString(loaded.takeError());
    return;
  }
  program = std::move(*loaded);
}

std::byte *IrProgram::add(const void *contents, size_t bytes, bool initialised) {
  std::byte *data = memory.allocate(std::to_string(arguments.size()), bytes);
  if (contents)
    std::memcpy(data, contents, bytes);
  if (initialised)
    memory.markInitialised(data, bytes);
  arguments.push_back(data);
  return data;
}

Report IrProgram::run(const std::string &kernel, Dim3 grid, Dim3 block, uint32_t dynamicShared) {
  KernelLaunch launch{kernel, grid, block, dynamicShared, {}};
  for (std::byte *&argument : arguments)
    launch.arguments.push_back(&argument);
  return program ? program->launch(launch, memory, options) : Report();
}

LaneRun qfa::emu::runLanes(const std::string &body, const std::string &declarations, const std::vector<int32_t> &x,
                           uint32_t dynamicShared, LaunchOptions options) {
  IrProgram program(declarations + R"(
define ptx_kernel void @lanes(ptr addrspace(1) %a, ptr addrspace(1) %o) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(1) %a, i32 %t
  %x = load i32, ptr addrspace(1) %p
)" + body + R"(
  %q = getelementptr i32, ptr addrspace(1) %o, i32 %t
  store i32 %r, ptr addrspace(1) %q
  ret void
})");
  program.options = options;
  program.buffer(x);
  std::byte *out = program.emptyBuffer(x.size() * 4);
  LaneRun run;
  run.report = program.run("lanes", {}, {uint32_t(x.size())}, dynamicShared);
  run.result = program.contents<int32_t>(out, x.size());
  return run;
}
