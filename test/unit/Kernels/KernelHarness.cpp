// The harness of kernel tests.
#include "KernelHarness.h"

#include "GpuKernels.h"
#include "qfa/Lowering/KernelJit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace qfa;
using namespace qfa::test;

static constexpr size_t guardCount = 64;
static constexpr float guard = 1234.5f;

Floats::Floats(size_t count) : count(count), memory(count, std::numeric_limits<float>::quiet_NaN()) {
  memory.resize(count + guardCount, guard);
}

Floats Floats::random(size_t count, std::mt19937 &rng, float low, float high) {
  Floats floats(count);
  std::uniform_real_distribution<float> distribution(low, high);
  for (size_t i = 0; i < count; ++i)
    floats[i] = distribution(rng);
  return floats;
}

bool Floats::guardsStand() const {
  return std::all_of(memory.begin() + count, memory.end(), [](float value) { return value == guard; });
}

// Sets the code of row i (0..31) in the words of a block's input, as the format document words it.
static void setCode(uint32_t *words, int64_t bits, int64_t i, uint32_t code) {
  if (bits == 3) {
    setCode(words, 2, i, code & 3);
    words[2] |= (code >> 2) << i;
    return;
  }
  int64_t perWord = 32 / bits;
  words[i / perWord] |= code << (i % perWord * bits);
}

ElasticWeight::ElasticWeight(int64_t out, int64_t in, int64_t bits, int64_t group, int64_t rank, bool half,
                             std::mt19937 &rng)
    : w(out * in), adapterA(Floats::random(rank * (in / group), rng)), adapterB(Floats::random(out * rank, rng)) {
  int64_t blocks = (out + 31) / 32, groups = in / group;
  codes.assign(blocks * in * bits, 0);
  scales.assign(blocks * groups * 32, 0);
  zeros.assign(blocks * groups * 32, 0);
  std::uniform_real_distribution<float> distribution(0, 1);
  for (int64_t n = 0; n < out; ++n) {
    for (int64_t j = 0; j < groups; ++j) {
      size_t at = (n / 32 * groups + j) * 32 + n % 32;
      scales[at] = static_cast<_Float16>(distribution(rng) / (1 << bits));
      zeros[at] = static_cast<_Float16>(distribution(rng) - 0.75f);
    }
    for (int64_t k = 0; k < in; ++k) {
      uint32_t code = rng() % (1u << bits);
      setCode(&codes[(n / 32 * in + k) * bits], bits, n % 32, code);
      size_t at = (n / 32 * groups + k / group) * 32 + n % 32;
      w[n * in + k] = scales[at] * code + zeros[at];
    }
  }
  halfScales.assign(scales.begin(), scales.end());
  halfZeros.assign(zeros.begin(), zeros.end());
  row = {codes.data(),
         half ? static_cast<const void *>(halfScales.data()) : scales.data(),
         half ? static_cast<const void *>(halfZeros.data()) : zeros.data(),
         adapterA.data(),
         adapterB.data(),
         static_cast<int32_t>(bits),
         0};
}

std::string qfa::test::activation(int64_t tokens, int64_t features) {
  return "tensor<1x" + std::to_string(tokens) + "x" + std::to_string(features) + "xf32>";
}

std::string qfa::test::elasticType(int64_t out, int64_t in, const std::string &bits, int64_t group, int64_t rank,
                                   const std::string &scales) {
  return "!qfa.elastic<" + std::to_string(out) + "x" + std::to_string(in) + ", bits = [" + bits +
         "], group = " + std::to_string(group) + ", rank = " + std::to_string(rank) + ", scales = " + scales + ">";
}

// All tiles in ranges and an order that the seed chooses; scratch memory is NaN before each range and guarded.
static void runOnCpu(const KernelJit::Kernel &kernel, const std::vector<void *> &args, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (int64_t begin = 0; begin < kernel.tiles;) {
    int64_t end = std::min<int64_t>(kernel.tiles, begin + 1 + rng() % 4);
    ranges.push_back({begin, end});
    begin = end;
  }
  std::shuffle(ranges.begin(), ranges.end(), rng);
  // Scratch is 64-byte aligned and ends where it says.
  std::vector<char> memory(kernel.scratchBytes + 128);
  char *scratch = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
  for (auto [begin, end] : ranges) {
    std::fill(memory.begin(), memory.end(), '\xff'); // NaN as floats
    kernel.function(args.data(), begin, end, scratch);
    for (int64_t i = 0; i < 64; ++i)
      ASSERT_EQ(scratch[kernel.scratchBytes + i], '\xff') << "tiles " << begin << ".." << end << " overran scratch";
  }
}

static void forEachTargetNamed(const std::string &ir,
                               const std::function<void(const FindKernel &, const std::string &)> &body) {
  for (const std::string isa : {"portable", "avx2", "avx512"}) {
    SCOPED_TRACE(isa);
    KernelJit jit(ir, isa);
    ASSERT_EQ(jit.error, "") << ir;
    body(
        [&](const std::string &name) -> TestKernel {
          KernelJit::Kernel kernel = jit.find(name);
          if (!kernel.function)
            return {};
          return {kernel.flops, [=](auto &args, uint32_t seed) { runOnCpu(kernel, args, seed); }};
        },
        isa);
  }
  SCOPED_TRACE("gpu-f32");
  GpuKernels gpu(ir, "f32");
  ASSERT_EQ(gpu.error, "") << ir;
  body([&](const std::string &name) { return gpu.find(name); }, "gpu-f32");
}

void qfa::test::forEachTargetModule(const std::string &ir, const std::function<void(const FindKernel &)> &body) {
  forEachTargetNamed(ir, [&](const FindKernel &find, const std::string &) { body(find); });
}

void qfa::test::forEachTarget(const std::string &ir,
                              const std::function<void(const TestKernel &, const std::string &)> &body) {
  forEachTargetNamed(ir, [&](const FindKernel &find, const std::string &target) { body(find("k"), target); });
}

void qfa::test::onBf16Gpu(const std::string &ir, const std::function<void(const TestKernel &)> &body) {
  SCOPED_TRACE("gpu-bf16");
  GpuKernels gpu(ir, "bf16");
  ASSERT_EQ(gpu.error, "") << ir;
  body(gpu.find("k"));
}

void qfa::test::forEachPrecision(const std::string &ir,
                                 const std::function<void(const TestKernel &, double tolerance)> &body) {
  forEachTarget(ir, [&](const TestKernel &kernel, const std::string &) { body(kernel, 1e-5); });
  onBf16Gpu(ir, [&](const TestKernel &kernel) { body(kernel, 1e-2); });
}

void qfa::test::runKernel(const TestKernel &kernel, const std::vector<void *> &args, uint32_t seed) {
  ASSERT_TRUE(kernel.run) << "no such kernel";
  kernel.run(args, seed);
}

void qfa::test::expectClose(const Floats &actual, const std::vector<float> &expected, double tolerance,
                            const std::string &what) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 1e-30;
  for (float value : expected)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(static_cast<double>(actual[i]) - expected[i]) <= tolerance * largest))
      FAIL() << what << "[" << i << "] is " << actual[i] << ", wanted " << expected[i];
  EXPECT_TRUE(actual.guardsStand()) << what << " was written beyond its end";
}
