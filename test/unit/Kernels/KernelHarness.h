// Runs kernels for tests: on every target, in random orders, with poisoned memory and guards behind it.
#ifndef QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H
#define QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H

#include "qfa/module_abi.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace qfa::test {

// Floats with guards behind them; `values` start as NaN where nothing else is said.
class Floats {
public:
  explicit Floats(size_t count);
  static Floats random(size_t count, std::mt19937 &rng, float low = -1, float high = 1);

  float *data() { return memory.data(); }
  const float *data() const { return memory.data(); }
  size_t size() const { return count; }
  float &operator[](size_t i) { return memory[i]; }
  float operator[](size_t i) const { return memory[i]; }
  bool guardsStand() const;

private:
  size_t count;
  std::vector<float> memory;
};

// An elastic weight under one width, packed as the storage format says, and what it means: w [out, in].
class ElasticWeight {
public:
  ElasticWeight(int64_t out, int64_t in, int64_t bits, int64_t group, int64_t rank, bool half, std::mt19937 &rng);

  std::vector<float> w;
  Floats adapterA, adapterB; // [rank, in / group], [out, rank]
  qfa_site_row_t row;

private:
  std::vector<uint32_t> codes;
  std::vector<float> scales, zeros;
  std::vector<_Float16> halfScales, halfZeros;
};

// IR text of types: [1, tokens, features]; an elastic weight with the given list of widths.
std::string activation(int64_t tokens, int64_t features);
std::string elasticType(int64_t out, int64_t in, const std::string &bits, int64_t group, int64_t rank,
                        const std::string &scales);

// A kernel of one target. run: args point to the operands, then to the results; the seed chooses an order.
struct TestKernel {
  int64_t flops = 0;
  std::function<void(const std::vector<void *> &args, uint32_t seed)> run; // empty: no such kernel
};
using FindKernel = std::function<TestKernel(const std::string &name)>;

// Compiles the module for every target and calls body(find), or body(kernel @k, name of the target). The targets are
// the CPU's instruction sets and, with products of unrounded factors, an emulated GPU with all its checks ("gpu-f32").
void forEachTargetModule(const std::string &ir, const std::function<void(const FindKernel &)> &body);
void forEachTarget(const std::string &ir, const std::function<void(const TestKernel &, const std::string &)> &body);
// The same on the GPU as it runs by default, with factors rounded to bf16.
void onBf16Gpu(const std::string &ir, const std::function<void(const TestKernel &)> &body);
// Both, with the tolerance of products: 1e-5, or what rounding their factors to bf16 leaves.
void forEachPrecision(const std::string &ir, const std::function<void(const TestKernel &, double tolerance)> &body);

void runKernel(const TestKernel &kernel, const std::vector<void *> &args, uint32_t seed = 1);

// Elements agree to `tolerance` of the largest expected magnitude; the guards stand.
void expectClose(const Floats &actual, const std::vector<float> &expected, double tolerance, const std::string &what);

} // namespace qfa::test

#endif // QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H
