// Every tile of bf16 products on the emulated GPU, with factors as stored and transposed.
#include "GpuKernels.h"
#include "KernelText.h"

#include <gtest/gtest.h>

using namespace qfa;
using namespace qfa::test;

// All products and sums of these are exact in bf16 and f32: eighths up to 1.
static Floats eighths(int64_t count, std::mt19937 &rng) {
  Floats values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = (static_cast<int>(rng() % 17) - 8) / 8.0f;
  return values;
}

// A card of one multiprocessor: m and n choose the tile. Below 3 blocks in a direction, above the stages in k.
struct TileCase {
  const char *arch;
  unsigned multiprocessors;
  int64_t m, n;
};

class GpuTile : public testing::TestWithParam<TileCase> {
protected:
  static constexpr int64_t k = 270;

  // left(i, l), right(j, l): positions of the factors' elements.
  template <typename Left, typename Right>
  void expectProduct(const std::vector<int64_t> &leftDims, Left left, const std::vector<int64_t> &rightDims,
                     Right right, const std::function<std::string(const std::vector<std::string> &)> &op,
                     bool isYielded) {
    auto [arch, multiprocessors, m, n] = GetParam();
    std::mt19937 rng(13);
    Floats a = eighths(m * k, rng), b = eighths(n * k, rng), result(m * n);
    std::vector<float> expected(m * n);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t l = 0; l < k; ++l)
          expected[i * n + j] += a[left(i, l)] * b[right(j, l)];
        result[i * n + j] = 0;
      }
    std::vector<std::string> types = {tensor(leftDims), tensor(rightDims)}, results;
    if (isYielded)
      results.push_back(tensor({1, m, n}));
    else
      types.push_back(buffer({m, n}));
    GpuKernels kernels(kernel(types, op(types), results), "bf16", arch, multiprocessors);
    ASSERT_EQ(kernels.error, "");
    runKernel(kernels.find("k"), {a.data(), b.data(), result.data()});
    expectClose(result, expected, 0, "product");
  }
};

TEST_P(GpuTile, OfRowsByRows) {
  auto [arch, multiprocessors, m, n] = GetParam();
  std::string y = tensor({1, m, n});
  expectProduct(
      {1, m, k}, [](int64_t i, int64_t l) { return i * k + l; }, {n, k}, [](int64_t j, int64_t l) { return j * k + l; },
      [&](auto &types) { return "%r = qfa.linear %a0, %a1 : " + types[0] + ", " + types[1] + " -> " + y; },
      /*isYielded=*/true);
}

TEST_P(GpuTile, OfRowsByColumns) {
  auto [arch, multiprocessors, m, n] = GetParam();
  std::string x = tensor({1, m, n});
  expectProduct(
      {1, m, k}, [](int64_t i, int64_t l) { return i * k + l; }, {k, n},
      [n = n](int64_t j, int64_t l) { return l * n + j; },
      [&](auto &types) { return "%r = qfa.linear_grad %a0, %a1 : " + types[0] + ", " + types[1] + " -> " + x; },
      /*isYielded=*/true);
}

TEST_P(GpuTile, OfColumnsByColumns) {
  auto [arch, multiprocessors, m, n] = GetParam();
  expectProduct(
      {1, k, m}, [m = m](int64_t i, int64_t l) { return l * m + i; }, {1, k, n},
      [n = n](int64_t j, int64_t l) { return l * n + j; },
      [](auto &types) {
        return "qfa.accumulate_outer %a0, %a1 into %a2 {scale = 1.0 : f32} : " + types[0] + ", " + types[1] + ", " +
               types[2];
      },
      /*isYielded=*/false);
}

// 64 x 64, 128 x 128 and 256 x 128 of sm_80, 256 x 128 of sm_90, 128 x 256 and 128 x 128 of sm_90a;
// test/Lowering/lower-kernels-to-gpu-tiles.mlir sees that these sizes have them.
INSTANTIATE_TEST_SUITE_P(Tiles, GpuTile,
                         testing::Values(TileCase{"80", 0, 70, 100}, TileCase{"80", 1, 300, 130},
                                         TileCase{"80", 1, 500, 130}, TileCase{"90", 1, 500, 130},
                                         TileCase{"90a", 1, 300, 240}, TileCase{"90a", 1, 300, 130}),
                         [](const auto &info) {
                           return "sm" + std::string(info.param.arch) + "_" + std::to_string(info.param.m) + "x" +
                                  std::to_string(info.param.n);
                         });
