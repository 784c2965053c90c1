// The library that compiled programs open: no LLVM on this side.
#include "qfa/GpuEmulator/emulator_c.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

static const std::string text = R"(
target datalayout = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
define ptx_kernel void @scale(ptr %x, float %by) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %at = getelementptr float, ptr %x, i32 %t
  %v = load float, ptr %at
  %w = fmul float %v, %by
  store float %w, ptr %at
  ret void
}
)";

// Tests a launch, its faults and the errors of loading, with checks and without.
TEST(Border, LoadsAndLaunches) {
  for (uint32_t checks : {1u, 0u}) {
    qfa_emulator_options_t options = {QFA_EMULATOR_VERSION, checks, 2, 1, 0};
    qfa_emulator_t *emulator = qfa_emulator_create(&options);
    ASSERT_NE(emulator, nullptr);
    auto *x = static_cast<float *>(qfa_emulator_allocate(emulator, "x", 8 * sizeof(float)));
    qfa_emulator_module_t *module = qfa_emulator_load(emulator, text.data(), text.size());
    ASSERT_NE(module, nullptr) << qfa_emulator_error(emulator);
    float by = 3;
    const void *arguments[] = {&x, &by};
    uint32_t grid[] = {1, 1, 1}, block[] = {8, 1, 1}, large[] = {9, 1, 1};
    if (checks) {
      EXPECT_EQ(qfa_emulator_launch(emulator, module, "scale", grid, block, 0, arguments), 1);
      EXPECT_NE(strstr(qfa_emulator_error(emulator), "uninitialised"), nullptr) << qfa_emulator_error(emulator);
    }
    for (int i = 0; i < 8; ++i)
      x[i] = i;
    qfa_emulator_mark_written(emulator, x, 8 * sizeof(float));
    EXPECT_EQ(qfa_emulator_launch(emulator, module, "scale", grid, block, 0, arguments), 0);
    EXPECT_EQ(x[7], 21);
    if (checks) {
      EXPECT_EQ(qfa_emulator_launch(emulator, module, "scale", grid, large, 0, arguments), 1);
      EXPECT_NE(strstr(qfa_emulator_error(emulator), "buffer 'x'+32 of 32 bytes"), nullptr);
    }
    EXPECT_EQ(qfa_emulator_launch(emulator, module, "other", grid, block, 0, arguments), 1);
    EXPECT_NE(strstr(qfa_emulator_error(emulator), "no kernel 'other'"), nullptr);
    EXPECT_EQ(qfa_emulator_load(emulator, "junk", 4), nullptr);
    EXPECT_NE(strstr(qfa_emulator_error(emulator), "module:1: expected"), nullptr) << qfa_emulator_error(emulator);
    qfa_emulator_free(emulator, x);
    qfa_emulator_destroy(emulator);
  }
}

// Tests that another version, and a schedule that does not exist, are refused.
TEST(Border, RefusesOtherVersions) {
  qfa_emulator_options_t options = {QFA_EMULATOR_VERSION + 1, 1, 1, 0, 0};
  EXPECT_EQ(qfa_emulator_create(&options), nullptr);
  options = {QFA_EMULATOR_VERSION, 1, 1, 3, 0};
  EXPECT_EQ(qfa_emulator_create(&options), nullptr);
}
