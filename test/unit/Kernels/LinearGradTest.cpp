// qfa.linear_grad and the adapters' products against the textbook.
#include "KernelHarness.h"

#include <gtest/gtest.h>

using namespace qfa;
using namespace qfa::test;

// left [rows, depth] times right [depth, columns], with strides of both indices of the right factor.
static std::vector<float> multiply(const float *left, const float *right, int64_t rows, int64_t depth, int64_t columns,
                                   int64_t depthStride, int64_t columnStride, double scale = 1) {
  std::vector<float> result(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += static_cast<double>(left[i * depth + k]) * right[k * depthStride + j * columnStride];
      result[i * columns + j] = static_cast<float>(scale * sum);
    }
  return result;
}

struct GradCase {
  int64_t tokens, out, in, group, rank;
  bool addend;
  const char *scales;
};

class LinearGrad : public testing::TestWithParam<GradCase> {};

TEST_P(LinearGrad, OfElasticWeights) {
  auto [tokens, out, in, group, rank, addend, scales] = GetParam();
  std::mt19937 rng(3);
  Floats dy = Floats::random(tokens * out, rng), plus = Floats::random(tokens * in, rng);
  std::string w = elasticType(out, in, "2, 3, 4, 8", group, rank, scales);
  std::string y = activation(tokens, out), x = activation(tokens, in), a = activation(tokens, rank);
  std::string ir = "qfa.kernel @k {\n^bb0(%dy: " + y + ", %w: " + w + (addend ? ", %plus: " + x : "") + "):\n  " +
                   (rank ? "%dx, %da" : "%dx") + " = qfa.linear_grad %dy, %w" + (addend ? " plus %plus : " + x : "") +
                   " : " + y + ", " + w + " -> " + x + (rank ? ", " + a : "") + "\n  qfa.yield %dx" +
                   (rank ? ", %da" : "") + " : " + x + (rank ? ", " + a : "") + "\n}\n";
  forEachPrecision(ir, [&](const TestKernel &kernel, double tolerance) {
    for (int64_t bits : {2, 3, 4, 8}) {
      SCOPED_TRACE(bits);
      ElasticWeight elastic(out, in, bits, group, rank, scales == std::string("f16"), rng);
      Floats dx(tokens * in), da(tokens * rank);
      std::vector<void *> args = {dy.data(), &elastic.row};
      if (addend)
        args.push_back(plus.data());
      args.push_back(dx.data());
      if (rank)
        args.push_back(da.data());
      runKernel(kernel, args);
      std::vector<float> expected = multiply(dy.data(), elastic.w.data(), tokens, out, in, in, 1);
      for (size_t i = 0; addend && i < expected.size(); ++i)
        expected[i] += plus[i];
      expectClose(dx, expected, tolerance, "dx");
      expectClose(da, multiply(dy.data(), elastic.adapterB.data(), tokens, out, rank, rank, 1), tolerance, "dadapter");
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, LinearGrad,
                         testing::Values(GradCase{1, 33, 48, 8, 0, false, "f32"},
                                         GradCase{5, 105, 48, 16, 4, true, "f32"},
                                         GradCase{77, 33, 128, 64, 16, true, "f16"},
                                         GradCase{64, 300, 40, 8, 16, false, "f32"}, // 40 is no multiple of 16 lanes
                                         GradCase{7, 576, 64, 64, 40, false, "f32"}));

TEST(LinearGradDense, IsTheProduct) {
  for (auto [tokens, out, in] : {std::array<int64_t, 3>{5, 33, 48}, {77, 300, 33}, {64, 9, 7}}) {
    std::mt19937 rng(3);
    Floats dy = Floats::random(tokens * out, rng), weight = Floats::random(out * in, rng);
    std::string w = "tensor<" + std::to_string(out) + "x" + std::to_string(in) + "xf32>";
    std::string y = activation(tokens, out), x = activation(tokens, in);
    forEachPrecision("qfa.kernel @k {\n^bb0(%dy: " + y + ", %w: " + w + "):\n  %dx = qfa.linear_grad %dy, %w : " + y +
                         ", " + w + " -> " + x + "\n  qfa.yield %dx : " + x + "\n}\n",
                     [&, tokens = tokens, out = out, in = in](const TestKernel &kernel, double tolerance) {
                       Floats dx(tokens * in);
                       runKernel(kernel, {dy.data(), weight.data(), dx.data()});
                       expectClose(dx, multiply(dy.data(), weight.data(), tokens, out, in, in, 1), tolerance, "dx");
                     });
  }
}

TEST(Adapter, DownAndItsGradient) {
  for (auto [tokens, groups, rank] : {std::array<int64_t, 3>{5, 3, 4}, {77, 9, 16}, {130, 24, 16}, {64, 50, 40}}) {
    int64_t group = 8, in = groups * group, out = 32;
    std::mt19937 rng(5);
    std::string w = elasticType(out, in, "4", group, rank, "f32");
    std::string u = activation(tokens, groups), a = activation(tokens, rank);
    ElasticWeight elastic(out, in, 4, group, rank, false, rng);
    auto kernel = [&](const std::string &op, const std::string &from, const std::string &to) {
      return "qfa.kernel @" + op + " {\n^bb0(%l: " + from + ", %w: " + w + "):\n  %r = qfa." + op +
             " %l, %w {scale = 0.25 : f32} : " + from + ", " + w + " -> " + to + "\n  qfa.yield %r : " + to + "\n}\n";
    };
    forEachTargetModule(
        kernel("adapter_down", u, a) + kernel("adapter_down_grad", a, u),
        [&, tokens = tokens, groups = groups, rank = rank](const FindKernel &find) {
          const float *matrix = elastic.adapterA.data(); // [rank, groups]
          Floats left = Floats::random(tokens * groups, rng), down(tokens * rank);
          runKernel(find("adapter_down"), {left.data(), &elastic.row, down.data()});
          expectClose(down, multiply(left.data(), matrix, tokens, groups, rank, 1, groups, 0.25), 1e-5, "down");
          Floats dy = Floats::random(tokens * rank, rng), du(tokens * groups);
          runKernel(find("adapter_down_grad"), {dy.data(), &elastic.row, du.data()});
          expectClose(du, multiply(dy.data(), matrix, tokens, rank, groups, groups, 1, 0.25), 1e-5, "gradient");
        });
  }
}

TEST(AccumulateOuter, AddsToTheBuffer) {
  for (auto [tokens, height, width] :
       {std::array<int64_t, 3>{1, 5, 3}, {77, 105, 16}, {300, 16, 9}, {64, 50, 77}, {1000, 105, 16}, {512, 16, 9}}) {
    std::mt19937 rng(9);
    Floats left = Floats::random(tokens * height, rng), right = Floats::random(tokens * width, rng);
    Floats before = Floats::random(height * width, rng);
    std::vector<float> expected(height * width);
    for (int64_t n = 0; n < height; ++n)
      for (int64_t m = 0; m < width; ++m) {
        double sum = 0;
        for (int64_t t = 0; t < tokens; ++t)
          sum += static_cast<double>(left[t * height + n]) * right[t * width + m];
        expected[n * width + m] = static_cast<float>(before[n * width + m] + 0.5 * sum);
      }
    std::string l = activation(tokens, height), r = activation(tokens, width);
    std::string g = "!qfa.buffer<" + std::to_string(height) + "x" + std::to_string(width) + "xf32>";
    forEachPrecision("qfa.kernel @k {\n^bb0(%l: " + l + ", %r: " + r + ", %g: " + g +
                         "):\n  qfa.accumulate_outer %l, %r into %g {scale = 0.5 : f32} : " + l + ", " + r + ", " + g +
                         "\n  qfa.yield\n}\n",
                     [&](const TestKernel &kernel, double tolerance) {
                       Floats buffer = before;
                       runKernel(kernel, {left.data(), right.data(), buffer.data()});
                       expectClose(buffer, expected, tolerance, "buffer");
                     });
  }
}
