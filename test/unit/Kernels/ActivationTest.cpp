// Gated activations and their gradients against the C++ library in f64.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

namespace {
struct Kind {
  const char *name;
  double (*value)(double);
};
double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }
double geluTanh(double x) {
  return x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))) / 2;
}
class Activation : public testing::TestWithParam<Kind> {
protected:
  Kind kind = GetParam();
  static constexpr int64_t n = 5003; // two tiles, the second ragged
  std::mt19937 rng{1};
  Floats gate = Floats::random(n, rng, -12, 12), up = Floats::random(n, rng), dy = Floats::random(n, rng);
  std::string type = tensor({1, 1, n});
  void SetUp() override {
    const float special[] = {0.0f, -0.0f, 100.0f, -100.0f, 1e-6f, -1e-6f, 5e-39f, 1e4f, -1e4f};
    std::copy(std::begin(special), std::end(special), gate.data());
  }
  // By central differences, good to 1e-8 in f64.
  double slope(double x) const {
    double h = 1e-5 * std::max(1.0, std::abs(x));
    return (kind.value(x + h) - kind.value(x - h)) / (2 * h);
  }
  // Element by element: 2e-6 relative, since exponents up to 15 are rounded before exp, and 1e-7 absolute where a value
  // nearly vanishes.
  static void expectEach(const Floats &actual, const std::vector<double> &expected, const char *what) {
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], 2e-6 * std::abs(expected[i]) + 1e-7) << what << " at " << i;
    EXPECT_TRUE(actual.guardsStand());
  }
};
} // namespace

TEST_P(Activation, ForwardIsTheFunction) {
  std::vector<double> expected(n);
  for (int64_t i = 0; i < n; ++i)
    expected[i] = kind.value(gate[i]) * up[i];
  forEachTarget(
      kernel({type, type}, std::string("%r = qfa.gated_activation ") + kind.name + " %a0, %a1 : " + type, {type}),
      [&](const TestKernel &kernel, const std::string &) {
        Floats y(n);
        runKernel(kernel, {gate.data(), up.data(), y.data()});
        expectEach(y, expected, "y");
      });
}

TEST_P(Activation, GradientsAreTheDerivatives) {
  std::vector<double> dgate(n), dup(n);
  for (int64_t i = 0; i < n; ++i) {
    dgate[i] = slope(gate[i]) * up[i] * dy[i];
    dup[i] = kind.value(gate[i]) * dy[i];
  }
  forEachTarget(kernel({type, type, type},
                       std::string("%r:2 = qfa.gated_activation_grad ") + kind.name + " %a0, %a1, %a2 : " + type,
                       {type, type}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats first(n), second(n);
                  runKernel(kernel, {gate.data(), up.data(), dy.data(), first.data(), second.data()});
                  expectEach(first, dgate, "dgate");
                  expectEach(second, dup, "dup");
                });
}

INSTANTIATE_TEST_SUITE_P(Kinds, Activation,
                         testing::Values(Kind{"silu", silu}, Kind{"gelu", gelu}, Kind{"gelu_tanh", geluTanh}),
                         [](const auto &info) { return std::string(info.param.name); });
