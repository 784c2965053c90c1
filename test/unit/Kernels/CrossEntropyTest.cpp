// qfa.cross_entropy and the gradient of its head against a softmax over whole logits.
#include "KernelHarness.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qfa;
using namespace qfa::test;

namespace {
struct Expected {
  std::vector<float> loss, logSumExp, gradient, weightGradient;

  Expected(const Floats &h, const float *w, const std::vector<int32_t> &labels, int64_t vocabulary, int64_t features)
      : loss(labels.size()), logSumExp(labels.size()), gradient(h.size()), weightGradient(vocabulary * features) {
    for (size_t t = 0; t < labels.size(); ++t) {
      std::vector<double> logits(vocabulary);
      double largest = -1e300, sum = 0;
      for (int64_t v = 0; v < vocabulary; ++v) {
        for (int64_t k = 0; k < features; ++k)
          logits[v] += static_cast<double>(h[t * features + k]) * w[v * features + k];
        largest = std::max(largest, logits[v]);
      }
      for (double logit : logits)
        sum += std::exp(logit - largest);
      double lse = largest + std::log(sum);
      logSumExp[t] = static_cast<float>(lse);
      if (labels[t] < 0)
        continue;
      loss[t] = static_cast<float>(lse - logits[labels[t]]);
      for (int64_t v = 0; v < vocabulary; ++v) {
        double p = std::exp(logits[v] - lse) - (labels[t] == v);
        for (int64_t k = 0; k < features; ++k) {
          gradient[t * features + k] += static_cast<float>(p * w[v * features + k]);
          weightGradient[v * features + k] += static_cast<float>(p * h[t * features + k]);
        }
      }
    }
  }
};

struct Case {
  int64_t tokens, vocabulary, features, group;
};
} // namespace

static std::vector<int32_t> makeLabels(int64_t tokens, int64_t vocabulary, std::mt19937 &rng) {
  std::vector<int32_t> labels(tokens);
  for (int64_t t = 0; t < tokens; ++t)
    labels[t] = t % 5 == 3 ? -100 : static_cast<int32_t>(rng() % vocabulary);
  labels[0] = static_cast<int32_t>(vocabulary) - 1;
  return labels;
}

static std::string crossEntropyKernel(const std::string &name, int64_t tokens, int64_t features, const std::string &w,
                                      bool gradient) {
  std::string h = activation(tokens, features), t = "tensor<1x" + std::to_string(tokens), f = t + "xf32>";
  std::string types = f + ", " + f + (gradient ? ", " + h : ""), names = gradient ? "%a, %b, %c" : "%a, %b";
  return "qfa.kernel @" + name + " {\n^bb0(%h: " + h + ", %w: " + w + ", %l: " + t + "xi32>):\n  " + names +
         " = qfa.cross_entropy %h, %w, %l : " + h + ", " + w + ", " + t + "xi32> -> " + types + "\n  qfa.yield " +
         names + " : " + types + "\n}\n";
}

static std::string weightGradKernel(const std::string &name, int64_t tokens, int64_t vocabulary, int64_t features) {
  std::string shape = std::to_string(vocabulary) + "x" + std::to_string(features) + "xf32>";
  std::string x = activation(tokens, features), t = "tensor<1x" + std::to_string(tokens);
  std::string types = x + ", tensor<" + shape + ", " + t + "xi32>, " + t + "xf32>, !qfa.buffer<" + shape;
  return "qfa.kernel @" + name + " {\n^bb0(%h: " + x + ", %w: tensor<" + shape + ", %l: " + t + "xi32>, %s: " + t +
         "xf32>, %g: !qfa.buffer<" + shape + "):\n  qfa.cross_entropy_weight_grad %h, %w, %l, %s into %g : " + types +
         "\n  qfa.yield\n}\n";
}

class CrossEntropy : public testing::TestWithParam<Case> {};

TEST_P(CrossEntropy, AndItsGradients) {
  auto [tokens, vocabulary, features, group] = GetParam();
  std::mt19937 rng(13);
  Floats h = Floats::random(tokens * features, rng, -2, 2), w = Floats::random(vocabulary * features, rng);
  std::vector<int32_t> labels = makeLabels(tokens, vocabulary, rng);
  std::string dense = "tensor<" + std::to_string(vocabulary) + "x" + std::to_string(features) + "xf32>";
  std::string elastic = elasticType(vocabulary, features, "4, 8", group, 0, "f32");
  Expected ofDense(h, w.data(), labels, vocabulary, features);

  auto check = [&, tokens = tokens, features = features](const TestKernel &kernel, void *weight,
                                                         const Expected &expected, bool gradient) {
    Floats loss(tokens), lse(tokens), dh(tokens * features);
    std::vector<void *> args = {h.data(), weight, labels.data(), loss.data(), lse.data()};
    if (gradient)
      args.push_back(dh.data());
    runKernel(kernel, args);
    expectClose(loss, expected.loss, 1e-5, "loss");
    expectClose(lse, expected.logSumExp, 1e-5, "log_sum_exp");
    if (gradient)
      expectClose(dh, expected.gradient, 2e-5, "gradient");
  };
  std::string ir = crossEntropyKernel("dense", tokens, features, dense, true) +
                   crossEntropyKernel("loss_only", tokens, features, dense, false) +
                   crossEntropyKernel("elastic", tokens, features, elastic, true) +
                   weightGradKernel("weight_grad", tokens, vocabulary, features);
  forEachTargetModule(ir, [&, vocabulary = vocabulary, features = features, group = group](const FindKernel &find) {
    check(find("dense"), w.data(), ofDense, true);
    check(find("loss_only"), w.data(), ofDense, false);
    for (int64_t bits : {4, 8}) {
      SCOPED_TRACE(bits);
      ElasticWeight weight(vocabulary, features, bits, group, 0, false, rng);
      check(find("elastic"), &weight.row, Expected(h, weight.w.data(), labels, vocabulary, features), true);
    }
    Floats gradient(vocabulary * features);
    std::vector<float> wanted = ofDense.weightGradient;
    for (size_t i = 0; i < wanted.size(); ++i) {
      gradient[i] = 0.25f;
      wanted[i] += 0.25f;
    }
    runKernel(find("weight_grad"), {h.data(), w.data(), labels.data(), ofDense.logSumExp.data(), gradient.data()});
    expectClose(gradient, wanted, 2e-5, "gradient of the head");
  });
}

// A logit of some hundred products of factors with 8 bits is off by about 0.02, and its exponential by so much of
// itself.
TEST_P(CrossEntropy, WithRoundedFactors) {
  auto [tokens, vocabulary, features, group] = GetParam();
  std::mt19937 rng(13);
  Floats h = Floats::random(tokens * features, rng, -2, 2), w = Floats::random(vocabulary * features, rng);
  std::vector<int32_t> labels = makeLabels(tokens, vocabulary, rng);
  std::string dense = "tensor<" + std::to_string(vocabulary) + "x" + std::to_string(features) + "xf32>";
  Expected expected(h, w.data(), labels, vocabulary, features);
  Floats lse(tokens);
  onBf16Gpu(crossEntropyKernel("k", tokens, features, dense, true),
            [&, tokens = tokens, features = features](const TestKernel &kernel) {
              Floats loss(tokens), dh(tokens * features);
              runKernel(kernel, {h.data(), w.data(), labels.data(), loss.data(), lse.data(), dh.data()});
              expectClose(loss, expected.loss, 1e-2, "loss");
              expectClose(lse, expected.logSumExp, 1e-2, "log_sum_exp");
              expectClose(dh, expected.gradient, 2e-2, "gradient");
            });
  onBf16Gpu(weightGradKernel("k", tokens, vocabulary, features),
            [&, vocabulary = vocabulary, features = features](const TestKernel &kernel) {
              Floats gradient(vocabulary * features);
              std::fill_n(gradient.data(), gradient.size(), 0.0f);
              runKernel(kernel, {h.data(), w.data(), labels.data(), lse.data(), gradient.data()});
              expectClose(gradient, expected.weightGradient, 2e-2, "gradient of the head");
            });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CrossEntropy,
                         testing::Values(Case{1, 33, 48, 8}, Case{7, 300, 40, 8}, Case{77, 105, 48, 16},
                                         Case{300, 64, 16, 16}, Case{64, 700, 130, 13}, Case{5, 3, 9, 3},
                                         Case{3, 8300, 18, 6}));
