// What `check` gives a kernel and what it says of one that fails, with the CPU in the place of the GPU.
#include "FakeModule.h"

#include "core/ThreadPool.h"
#include "device/CpuDevice.h"
#include "device/KernelCheck.h"
#include "support/Error.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace qfa::rt;

namespace {

constexpr int64_t context = 20, features = 4, rows = 3, inputs = 64;

// args: q, k, v, position, keys, values, result, whose first value is the position.
void append(void *const *args, int64_t, int64_t, void *) {
  int32_t position = *static_cast<int32_t *>(args[3]);
  for (int64_t i = 0; i < rows * features; ++i) {
    static_cast<float *>(args[4])[position * features + i] = static_cast<float *>(args[1])[i];
    static_cast<float *>(args[5])[position * features + i] = static_cast<float *>(args[2])[i];
  }
  *static_cast<float *>(args[6]) = static_cast<float>(position);
}

// args: elastic weight, result: its largest scale and zero times the root of the inputs.
void measure(void *const *args, int64_t, int64_t, void *) {
  const auto &row = *static_cast<const qfa_site_row_t *>(args[0]);
  auto *result = static_cast<float *>(args[1]);
  result[0] = result[1] = 0;
  for (int64_t i = 0; i < 32; ++i) {
    result[0] = std::max(result[0], static_cast<const float *>(row.scales)[i] * static_cast<float>(1 << row.bits));
    result[1] = std::max(result[1], std::abs(static_cast<const float *>(row.zeros)[i]));
  }
}

const qfa_operand_t appendOperands[] = {{QFA_OPERAND_F32, 3, 2 * rows * features},
                                        {QFA_OPERAND_F32, 3, rows * features},
                                        {QFA_OPERAND_F32, 3, rows * features},
                                        {QFA_OPERAND_I32, 1, 1},
                                        {QFA_OPERAND_BUFFER, 2, context * features},
                                        {QFA_OPERAND_BUFFER, 2, context * features},
                                        {QFA_OPERAND_F32, 3, 1}};
const qfa_operand_t measureOperands[] = {{QFA_OPERAND_ELASTIC, 2, 0}, {QFA_OPERAND_F32, 1, 2}};
const qfa_kernel_t kernels[] = {{"append", 1, 0, 1, {append, nullptr, nullptr}, 6, 1, appendOperands},
                                {"measure", 1, 0, 1, {measure, nullptr, nullptr}, 1, 1, measureOperands}};
const qfa_site_t sites[] = {{"site", 2, {2, 8, 0, 0}}};
const qfa_elastic_t elastics[] = {{"weight", 0, 0, 32, inputs, inputs, 0, 1, QFA_F32}};

qfa_module_t makeModule() {
  qfa_module_t module = fake::emptyModule();
  module.context = context;
  module.kernel_count = 2;
  module.kernels = kernels;
  module.site_count = 1;
  module.sites = sites;
  module.elastic_count = 1;
  module.elastics = elastics;
  return module;
}

// A CPU that gives back what it computed changed, or not at all.
struct Doubtful : CpuDevice {
  using CpuDevice::CpuDevice;
  std::string fault;
  float factor = 1;
  std::vector<float> seen; // of the last download, as computed

  void download(void *to, const void *from, uint64_t bytes) override {
    if (!fault.empty())
      fail("{}", fault);
    auto *values = static_cast<const float *>(from);
    seen.assign(values, values + bytes / sizeof(float));
    for (size_t i = 0; i < seen.size(); ++i)
      static_cast<float *>(to)[i] = seen[i] * factor;
  }
};

class KernelCheckTest : public testing::Test {
protected:
  const qfa_module_t raw = makeModule();
  Module module{raw};
  ThreadPool pool{1};
  CpuDevice reference{module, pool};
  Doubtful device{module, pool};

  KernelDifference check(uint32_t kernel, int32_t bits) {
    return checkKernel(module, reference, device, kernel, bits, /*seed=*/1, /*repeats=*/0);
  }
  std::string errorOf(uint32_t kernel, int32_t bits) {
    try {
      check(kernel, bits);
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }
};

} // namespace

// Tests that equal results differ by nothing and others by their largest difference, at its operand.
TEST_F(KernelCheckTest, FindsTheLargestDifference) {
  EXPECT_EQ(check(0, 0).largest, 0);
  device.factor = 1.5;
  KernelDifference found = check(1, 2);
  EXPECT_NEAR(found.largest, 0.5, 1e-6);
  EXPECT_EQ(found.operand, 1);
}

// Tests that a kernel with caches runs at the last position that has room for its rows.
TEST_F(KernelCheckTest, AppendsAtTheEndOfTheCaches) {
  check(0, 0);
  EXPECT_EQ(device.seen, std::vector<float>{context - rows});
}

// Tests that weights shrink with the root of their inputs, at every width alike.
TEST_F(KernelCheckTest, WeightsFollowTheInputs) {
  for (int32_t bits : {2, 8}) {
    check(1, bits);
    EXPECT_NEAR(device.seen[0], 16 / std::sqrt(inputs), 0.3);
    EXPECT_NEAR(device.seen[1], 12 / std::sqrt(inputs), 0.3);
  }
}

// Tests that an error of a run, which is often known only when its results are fetched, names kernel and width.
TEST_F(KernelCheckTest, ErrorsNameTheKernel) {
  device.fault = "cuStreamSynchronize: an illegal memory access was encountered";
  EXPECT_EQ(errorOf(0, 0), "kernel 'append': " + device.fault);
  EXPECT_EQ(errorOf(1, 8), "kernel 'measure' at 8 bits: " + device.fault);
}
