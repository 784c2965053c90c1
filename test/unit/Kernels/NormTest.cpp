// Root-mean-square normalization and its gradients against the textbook.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

// Sums over at most 600 features, or 40 tokens, in f32.
static constexpr double tolerance = 1e-5;
static constexpr double epsilon = 1e-3; // large enough to show

namespace {
struct Case {
  int64_t batch, sequence, features;
};
class Norm : public testing::TestWithParam<Case> {
protected:
  Case c = GetParam();
  size_t tokens = c.batch * c.sequence, n = c.features;
  std::mt19937 rng{1};
  Floats x = Floats::random(tokens * n, rng), gain = Floats::random(n, rng), dy = Floats::random(tokens * n, rng);
  std::string type = tensor({c.batch, c.sequence, c.features}), gainType = tensor({c.features});

  double reciprocal(size_t t) const {
    double squares = 0;
    for (size_t i = 0; i < n; ++i)
      squares += static_cast<double>(x[t * n + i]) * x[t * n + i];
    return 1 / std::sqrt(squares / n + epsilon);
  }
};
} // namespace

TEST_P(Norm, ForwardIsTheTextbook) {
  std::vector<float> expected(tokens * n);
  for (size_t t = 0; t < tokens; ++t)
    for (size_t i = 0; i < n; ++i)
      expected[t * n + i] = static_cast<float>(x[t * n + i] * reciprocal(t) * gain[i]);
  forEachTarget(kernel({type, gainType},
                       "%r = qfa.rms_norm %a0, %a1 {epsilon = 1.0e-03 : f32} : " + type + ", " + gainType, {type}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats y(tokens * n);
                  runKernel(kernel, {x.data(), gain.data(), y.data()});
                  expectClose(y, expected, tolerance, "y");
                });
}

TEST_P(Norm, InputGradientIsTheTextbookWithAndWithoutAddend) {
  Floats addend = Floats::random(tokens * n, rng);
  for (bool hasAddend : {false, true}) {
    std::vector<float> expected(tokens * n);
    for (size_t t = 0; t < tokens; ++t) {
      double r = reciprocal(t), product = 0;
      for (size_t i = 0; i < n; ++i)
        product += static_cast<double>(gain[i]) * dy[t * n + i] * x[t * n + i];
      for (size_t i = 0; i < n; ++i)
        expected[t * n + i] =
            static_cast<float>(r * (static_cast<double>(gain[i]) * dy[t * n + i] - x[t * n + i] * r * r * product / n) +
                               (hasAddend ? addend[t * n + i] : 0));
    }
    std::vector<std::string> types = {type, gainType, type};
    if (hasAddend)
      types.push_back(type);
    std::string op = "%r = qfa.rms_norm_grad %a0, %a1, %a2" + (hasAddend ? " plus %a3 : " + type : "") +
                     " {epsilon = 1.0e-03 : f32} : " + type + ", " + gainType;
    forEachTarget(kernel(types, op, {type}), [&](const TestKernel &kernel, const std::string &) {
      Floats dx(tokens * n);
      std::vector<void *> args = {x.data(), gain.data(), dy.data()};
      if (hasAddend)
        args.push_back(addend.data());
      args.push_back(dx.data());
      runKernel(kernel, args);
      expectClose(dx, expected, tolerance, "dx");
    });
  }
}

TEST_P(Norm, GainGradientIsAdded) {
  Floats before = Floats::random(n, rng);
  std::vector<float> expected(n);
  for (size_t i = 0; i < n; ++i) {
    double sum = before[i];
    for (size_t t = 0; t < tokens; ++t)
      sum += static_cast<double>(dy[t * n + i]) * x[t * n + i] * reciprocal(t);
    expected[i] = static_cast<float>(sum);
  }
  std::string into = buffer({c.features});
  forEachTarget(kernel({type, type, into},
                       "qfa.rms_norm_gain_grad %a0, %a1 into %a2 {epsilon = 1.0e-03 : f32} : " + type + ", " + into,
                       {}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats sum = before;
                  runKernel(kernel, {x.data(), dy.data(), sum.data()});
                  expectClose(sum, expected, tolerance, "into");
                });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Norm,
                         testing::Values(Case{1, 1, 16}, Case{2, 17, 576}, Case{1, 33, 100}, Case{1, 3, 5}));
