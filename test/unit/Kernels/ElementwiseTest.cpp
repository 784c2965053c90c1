// Groups of elementwise ops as one loop, and the accuracy of the functions in them.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

static constexpr int64_t n = 4101; // two tiles, the second ragged

TEST(Elementwise, GroupWithConstantsIsOneLoop) {
  std::string type = tensor({1, 3, 1367}), dense = tensor({1, 2, 4});
  std::mt19937 rng(1);
  Floats a = Floats::random(n, rng), b = Floats::random(n, rng, 0.5, 2);
  std::string op = "%c = arith.constant dense<0.25> : " + type + "\n  %s = arith.addf %a0, %a1 : " + type +
                   "\n  %q = math.sqrt %a1 : " + type + "\n  %m = arith.mulf %s, %c : " + type +
                   "\n  %n = arith.negf %m : " + type + "\n  %x = arith.maximumf %n, %a0 : " + type +
                   "\n  %less = arith.cmpf olt, %x, %q : " + type +
                   "\n  %z = arith.select %less, %x, %q : " + tensor({1, 3, 1367}, "i1") + ", " + type +
                   "\n  %r = arith.divf %z, %a1 : " + type;
  forEachTarget(kernel({type, type}, op, {type}), [&](const TestKernel &kernel, const std::string &) {
    Floats y(n);
    runKernel(kernel, {a.data(), b.data(), y.data()});
    for (int64_t i = 0; i < n; ++i) {
      float x = std::max(-((a[i] + b[i]) * 0.25f), a[i]), root = std::sqrt(b[i]);
      ASSERT_NEAR(y[i], (x < root ? x : root) / b[i], 1e-6) << i;
    }
    EXPECT_TRUE(y.guardsStand());
  });
}

TEST(Elementwise, DenseConstantIsReadPerElement) {
  std::string type = tensor({1, 2, 3});
  std::string op = "%c = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : " + type +
                   "\n  %r = arith.mulf %a0, %c : " + type;
  forEachTarget(kernel({type}, op, {type}), [&](const TestKernel &kernel, const std::string &) {
    Floats x(6), y(6);
    for (int i = 0; i < 6; ++i)
      x[i] = 0.5f;
    runKernel(kernel, {x.data(), y.data()});
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(y[i], 0.5f * (i + 1));
  });
}

namespace {
struct Function {
  const char *op;
  double (*value)(double);
  float low, high;
};
class ElementwiseFunction : public testing::TestWithParam<Function> {};
} // namespace

// Each is a polynomial after range reduction in f32: a few units in the last place, 3e-7, of the value itself.
TEST_P(ElementwiseFunction, IsAccurateEverywhere) {
  Function f = GetParam();
  std::string type = tensor({n});
  Floats x(n);
  for (int64_t i = 0; i < n; ++i)
    x[i] = f.low + (f.high - f.low) * static_cast<float>(i) / (n - 1);
  forEachTarget(kernel({type}, std::string("%r = ") + f.op + " %a0 : " + type, {type}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats y(n);
                  runKernel(kernel, {x.data(), y.data()});
                  for (int64_t i = 0; i < n; ++i) {
                    double wanted = f.value(x[i]);
                    ASSERT_NEAR(y[i], wanted, 3e-7 * std::abs(wanted)) << f.op << "(" << x[i] << ")";
                  }
                });
}

INSTANTIATE_TEST_SUITE_P(Functions, ElementwiseFunction,
                         testing::Values(Function{"math.exp", [](double x) { return std::exp(x); }, -87, 88},
                                         Function{"math.exp", [](double x) { return std::exp(x); }, -0.7f, 0.7f},
                                         Function{"math.tanh", [](double x) { return std::tanh(x); }, -10, 10},
                                         Function{"math.tanh", [](double x) { return std::tanh(x); }, -0.01f, 0.01f},
                                         Function{"math.erf", [](double x) { return std::erf(x); }, -4, 4},
                                         Function{"math.sqrt", [](double x) { return std::sqrt(x); }, 0, 100},
                                         Function{"math.rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0.01f,
                                                  100}));

TEST(ElementwiseExp, VanishesBelowTheSmallestNormalNumber) {
  std::string type = tensor({4});
  forEachTarget(kernel({type}, "%r = math.exp %a0 : " + type, {type}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats x(4), y(4);
                  const float inputs[] = {-INFINITY, -1e30f, -88.0f, NAN};
                  std::copy(std::begin(inputs), std::end(inputs), x.data());
                  runKernel(kernel, {x.data(), y.data()});
                  for (int i = 0; i < 3; ++i)
                    EXPECT_EQ(y[i], 0.0f) << inputs[i];
                  EXPECT_TRUE(std::isnan(y[3]));
                });
}
