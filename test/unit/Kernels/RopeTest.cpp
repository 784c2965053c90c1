// Rotary embedding against rotations computed in f64, also at positions where f32 angles would have lost all digits.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

// A rotation is two products and a sum in f32; the angles are as good as exact.
static constexpr double tolerance = 1e-6;

namespace {
struct Case {
  int64_t batch, sequence, heads, width, rotated;
  int64_t position = -1; // -1: no operand
  double scaling = 1;
  bool interleaved = false, inverse = false;
};
class Rope : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(Rope, RotatesPairs) {
  const Case &c = GetParam();
  std::mt19937 rng(2);
  int64_t n = c.heads * c.width, d = c.rotated / 2, tokens = c.batch * c.sequence;
  Floats x = Floats::random(tokens * n, rng);
  std::vector<double> frequencies(d);
  std::string list;
  char text[64];
  for (int64_t i = 0; i < d; ++i) {
    frequencies[i] = std::pow(10000.0, -static_cast<double>(i) / d);
    std::snprintf(text, sizeof text, "%s%.17e", i ? ", " : "", frequencies[i]);
    list += text;
  }
  std::vector<float> expected(x.data(), x.data() + x.size());
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t i = 0; i < d; ++i) {
        double angle = frequencies[i] * static_cast<double>(std::max<int64_t>(c.position, 0) + t % c.sequence);
        double cosine = std::cos(angle) * c.scaling, sine = std::sin(angle) * c.scaling * (c.inverse ? -1 : 1);
        int64_t row = t * n + h * c.width, a = row + (c.interleaved ? 2 * i : i),
                b = row + (c.interleaved ? 2 * i + 1 : i + d);
        expected[a] = static_cast<float>(x[a] * cosine - x[b] * sine);
        expected[b] = static_cast<float>(x[b] * cosine + x[a] * sine);
      }
  std::string type = tensor({c.batch, c.sequence, n});
  std::string op = "%r = qfa.rope %a0" + std::string(c.position < 0 ? "" : " at %a1 : tensor<1xi32>") +
                   " {num_heads = " + std::to_string(c.heads) + " : i64, inverse_frequencies = dense<[" + list +
                   "]> : tensor<" + std::to_string(d) + "xf64>, scaling = " + std::to_string(c.scaling) + " : f32" +
                   (c.interleaved ? ", interleaved" : "") + (c.inverse ? ", inverse" : "") + "} : " + type;
  std::vector<std::string> types = {type};
  if (c.position >= 0)
    types.push_back("tensor<1xi32>");
  forEachTarget(kernel(types, op, {type}), [&](const TestKernel &kernel, const std::string &) {
    Floats y(x.size());
    int32_t position = static_cast<int32_t>(c.position);
    std::vector<void *> args = {x.data()};
    if (c.position >= 0)
      args.push_back(&position);
    args.push_back(y.data());
    runKernel(kernel, args);
    expectClose(y, expected, tolerance, "y");
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Rope,
                         testing::Values(Case{1, 8, 2, 16, 16}, Case{2, 50, 3, 64, 64}, Case{1, 17, 2, 20, 12},
                                         Case{1, 5, 1, 12, 12, 100000}, Case{1, 1, 2, 128, 128, 99999},
                                         Case{1, 40, 2, 16, 8, 7, 1.25}, Case{1, 20, 2, 16, 12, -1, 1, true},
                                         Case{2, 20, 2, 16, 16, -1, 0.5, false, true},
                                         Case{1, 9, 1, 16, 16, 1000, 1, true, true}));
