// qfa.linear against the textbook, dense and elastic, many tokens and few.
#include "KernelHarness.h"

#include <gtest/gtest.h>

using namespace qfa;
using namespace qfa::test;

// y[t, n] = sum_k x[t, k] w[n, k] + sum_r a[t, r] b[n, r]
static std::vector<float> linear(const Floats &x, const float *w, const Floats &a, const float *b, int64_t tokens,
                                 int64_t out, int64_t in, int64_t rank) {
  std::vector<float> y(tokens * out);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t n = 0; n < out; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < in; ++k)
        sum += static_cast<double>(x[t * in + k]) * w[n * in + k];
      for (int64_t r = 0; r < rank; ++r)
        sum += static_cast<double>(a[t * rank + r]) * b[n * rank + r];
      y[t * out + n] = static_cast<float>(sum);
    }
  return y;
}

static std::string linearKernel(int64_t tokens, int64_t out, int64_t in, int64_t rank, const std::string &weight) {
  std::string x = activation(tokens, in), y = activation(tokens, out), a = activation(tokens, rank);
  return "qfa.kernel @k {\n^bb0(%x: " + x + ", %w: " + weight + (rank ? ", %a: " + a : "") +
         "):\n  %y = qfa.linear %x, %w" + (rank ? " adapter(%a : " + a + ")" : "") + " : " + x + ", " + weight +
         " -> " + y + "\n  qfa.yield %y : " + y + "\n}\n";
}

struct DenseCase {
  int64_t tokens, out, in;
};

class DenseLinear : public testing::TestWithParam<DenseCase> {};

TEST_P(DenseLinear, IsTheProduct) {
  auto [tokens, out, in] = GetParam();
  std::mt19937 rng(7);
  Floats x = Floats::random(tokens * in, rng), w = Floats::random(out * in, rng), none(0);
  std::vector<float> expected = linear(x, w.data(), none, nullptr, tokens, out, in, 0);
  std::string weight = "tensor<" + std::to_string(out) + "x" + std::to_string(in) + "xf32>";
  forEachPrecision(linearKernel(tokens, out, in, 0, weight), [&](const TestKernel &kernel, double tolerance) {
    EXPECT_EQ(kernel.flops, 2 * tokens * out * in);
    Floats y(tokens * out);
    runKernel(kernel, {x.data(), w.data(), y.data()});
    expectClose(y, expected, tolerance, "y");
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, DenseLinear,
                         testing::Values(DenseCase{1, 33, 48}, DenseCase{5, 105, 48}, DenseCase{7, 32, 9},
                                         DenseCase{64, 64, 64}, DenseCase{77, 33, 48}, DenseCase{77, 105, 300},
                                         DenseCase{13, 5, 1030}, DenseCase{100, 32, 7}, DenseCase{1000, 70, 20}));

struct ElasticCase {
  int64_t tokens, out, in, group, rank;
  const char *scales;
};

class ElasticLinear : public testing::TestWithParam<ElasticCase> {};

TEST_P(ElasticLinear, IsTheProductAtEveryWidth) {
  auto [tokens, out, in, group, rank, scales] = GetParam();
  std::mt19937 rng(11);
  Floats x = Floats::random(tokens * in, rng), a = Floats::random(tokens * rank, rng);
  for (const std::string set : {"2, 3, 4, 8", "3"})
    forEachPrecision(linearKernel(tokens, out, in, rank, elasticType(out, in, set, group, rank, scales)),
                     [&](const TestKernel &kernel, double tolerance) {
                       for (int64_t bits : {2, 3, 4, 8}) {
                         if (set == "3" && bits != 3)
                           continue;
                         SCOPED_TRACE(bits);
                         ElasticWeight elastic(out, in, bits, group, rank, scales == std::string("f16"), rng);
                         Floats y(tokens * out);
                         std::vector<void *> args = {x.data(), &elastic.row};
                         if (rank)
                           args.push_back(a.data());
                         args.push_back(y.data());
                         runKernel(kernel, args);
                         expectClose(y, linear(x, elastic.w.data(), a, elastic.adapterB.data(), tokens, out, in, rank),
                                     tolerance, "y");
                       }
                     });
}

INSTANTIATE_TEST_SUITE_P(Shapes, ElasticLinear,
                         testing::Values(ElasticCase{1, 33, 48, 8, 0, "f32"}, ElasticCase{5, 105, 48, 16, 4, "f32"},
                                         ElasticCase{7, 64, 128, 64, 0, "f16"}, ElasticCase{8, 33, 48, 48, 0, "f32"},
                                         ElasticCase{64, 105, 48, 16, 16, "f32"}, ElasticCase{3, 70, 45, 15, 0, "f16"},
                                         ElasticCase{8, 65, 390, 130, 4, "f32"}, ElasticCase{77, 33, 128, 64, 4, "f16"},
                                         ElasticCase{13, 32, 1536, 64, 0, "f32"},
                                         ElasticCase{9, 64, 520, 520, 16, "f32"}));
