// Runs kernels for tests: every instruction set (as far as need be emulated), random tile ranges, poisoned memory with
// guards behind it.
#ifndef QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H
#define QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H

#include "qfa/Lowering/KernelJit.h"

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

// Compiles the module for every instruction set and calls body(module), or body(kernel @k, name of the set).
void forEachIsaModule(const std::string &ir, const std::function<void(const KernelJit &)> &body);
void forEachIsa(const std::string &ir, const std::function<void(const KernelJit::Kernel &, const std::string &)> &body);

// Runs all tiles in ranges and an order that the seed chooses; scratch memory is NaN before each range and guarded.
void runKernel(const KernelJit::Kernel &kernel, const std::vector<void *> &args, uint32_t seed = 1);

// Elements agree to `tolerance` of the largest expected magnitude; the guards stand.
void expectClose(const Floats &actual, const std::vector<float> &expected, double tolerance, const std::string &what);

} // namespace qfa::test

#endif // QFA_TEST_UNIT_KERNELS_KERNELHARNESS_H
