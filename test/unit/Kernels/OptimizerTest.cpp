// AdamW against its formulas in f64, and the sum of squares.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

TEST(Adamw, StepsAreTheFormulas) {
  constexpr size_t n = 83 * 61; // two tiles, the second ragged
  std::mt19937 rng(1);
  Floats gradient = Floats::random(n, rng), value = Floats::random(n, rng);
  std::vector<double> wantedValue(value.data(), value.data() + n), wantedM(n, 0.0), wantedV(n, 0.0);
  float hyper[8] = {1e-2f, 0.9f, 0.95f, 1e-6f, 0.1f, NAN, 0.5f, NAN};
  std::string trainable = "!qfa.trainable<83x61xf32>", into = buffer({83, 61}), eight = tensor({8});
  forEachTarget(
      kernel({trainable, into, eight}, "qfa.adamw %a0, %a1, %a2 : " + trainable + ", " + into + ", " + eight, {}),
      [&](const TestKernel &kernel, const std::string &) {
        Floats w = value, m(n), v(n);
        for (size_t i = 0; i < n; ++i) {
          m[i] = v[i] = 0;
          wantedValue[i] = value[i];
          wantedM[i] = wantedV[i] = 0;
        }
        for (int step = 1; step <= 3; ++step) {
          double c1 = 1 - std::pow(0.9, step), c2 = 1 - std::pow(0.95, step);
          qfa_trainable_row_t row{w.data(), m.data(), v.data(), static_cast<float>(c1), static_cast<float>(c2)};
          runKernel(kernel, {&row, gradient.data(), hyper}, step);
          for (size_t i = 0; i < n; ++i) {
            double g = gradient[i] * 0.5;
            wantedM[i] = 0.9 * wantedM[i] + 0.1 * g;
            wantedV[i] = 0.95 * wantedV[i] + 0.05 * g * g;
            wantedValue[i] -= 1e-2 * (wantedM[i] / c1 / (std::sqrt(wantedV[i] / c2) + 1e-6) + 0.1 * wantedValue[i]);
          }
        }
        auto expect = [](const Floats &actual, const std::vector<double> &wanted, const char *what) {
          // b1, b2 and the corrections are rounded to f32: 1 - b2 is off by 1e-6 of itself.
          expectClose(actual, std::vector<float>(wanted.begin(), wanted.end()), 5e-6, what);
        };
        expect(w, wantedValue, "value");
        expect(m, wantedM, "m");
        expect(v, wantedV, "v");
        expectClose(gradient, std::vector<float>(gradient.data(), gradient.data() + n), 0, "gradient");
      });
}

TEST(GradientNorm, IsTheSumOfSquares) {
  constexpr int64_t n = 100003;
  std::mt19937 rng(1);
  Floats gradient = Floats::random(n, rng);
  double expected = 0;
  for (int64_t i = 0; i < n; ++i)
    expected += static_cast<double>(gradient[i]) * gradient[i];
  std::string into = buffer({n}), one = tensor({1});
  forEachTarget(kernel({into}, "%r = qfa.gradient_norm %a0 : " + into + " -> " + one, {one}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats sum(1);
                  runKernel(kernel, {gradient.data(), sum.data()});
                  EXPECT_NEAR(sum[0], expected, 1e-6 * expected); // chunks of 4096 in f32, chunks in f64
                  EXPECT_TRUE(sum.guardsStand());
                });
}
