// Embedding rows, dense and elastic, and the gradient of a dense table.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

using namespace qfa;
using namespace qfa::test;

static std::vector<int32_t> identifiers(size_t count, int32_t rows, std::mt19937 &rng) {
  std::vector<int32_t> ids(count);
  for (int32_t &id : ids)
    id = static_cast<int32_t>(rng() % rows);
  ids.front() = 0;
  ids.back() = rows - 1;
  return ids;
}

static std::string embeddingKernel(const std::string &table) {
  std::string ids = tensor({2, 19}, "i32"), y = tensor({2, 19, 48});
  return kernel({ids, table}, "%r = qfa.embedding %a0, %a1 : " + ids + ", " + table + " -> " + y, {y});
}

static void expectRows(const Floats &y, const std::vector<int32_t> &ids, const float *table, int64_t n,
                       float tolerance) {
  for (size_t i = 0; i < y.size(); ++i)
    ASSERT_NEAR(y[i], table[ids[i / n] * n + i % n], tolerance) << i;
  EXPECT_TRUE(y.guardsStand());
}

TEST(Embedding, DenseRowsAreCopied) {
  std::mt19937 rng(1);
  Floats table = Floats::random(70 * 48, rng);
  std::vector<int32_t> ids = identifiers(38, 70, rng);
  forEachTarget(embeddingKernel("tensor<70x48xf32>"), [&](const TestKernel &kernel, const std::string &) {
    Floats y(38 * 48);
    runKernel(kernel, {ids.data(), table.data(), y.data()});
    expectRows(y, ids, table.data(), 48, 0);
  });
}

TEST(Embedding, ElasticRowsAreDequantizedAtEveryWidth) {
  std::mt19937 rng(2);
  std::vector<int32_t> ids = identifiers(38, 70, rng);
  for (std::string scales : {"f32", "f16"})
    forEachTarget(
        embeddingKernel("!qfa.elastic<70x48, bits = [2, 3, 4, 8], group = 16, rank = 0, scales = " + scales + ">"),
        [&](const TestKernel &kernel, const std::string &) {
          for (int64_t bits : {2, 3, 4, 8}) {
            SCOPED_TRACE(scales + " at " + std::to_string(bits) + " bits");
            ElasticWeight table(70, 48, bits, 16, 0, scales == "f16", rng);
            Floats y(38 * 48);
            runKernel(kernel, {ids.data(), &table.row, y.data()});
            expectRows(y, ids, table.w.data(), 48, 1e-6f); // one multiplication and addition
          }
        });
}

TEST(Embedding, GradientAddsTokensThatShareARow) {
  std::mt19937 rng(3);
  std::vector<int32_t> ids = identifiers(38, 5, rng); // every row several times
  Floats dy = Floats::random(38 * 100, rng), before = Floats::random(5 * 100, rng);
  std::vector<float> expected(before.data(), before.data() + before.size());
  for (size_t t = 0; t < ids.size(); ++t)
    for (int64_t i = 0; i < 100; ++i)
      expected[ids[t] * 100 + i] += dy[t * 100 + i];
  std::string idsType = tensor({2, 19}, "i32"), dyType = tensor({2, 19, 100}), into = buffer({5, 100});
  forEachTarget(kernel({idsType, dyType, into},
                       "qfa.embedding_grad %a0, %a1 into %a2 : " + idsType + ", " + dyType + ", " + into, {}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats sum = before;
                  runKernel(kernel, {ids.data(), dy.data(), sum.data()});
                  expectClose(sum, expected, 0, "into"); // the very same additions in the same order
                });
}
