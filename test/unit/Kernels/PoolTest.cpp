// Group sums, their derivative, and the choice of a token.
#include "KernelHarness.h"
#include "KernelText.h"

#include <gtest/gtest.h>

using namespace qfa;
using namespace qfa::test;

class Pool : public testing::TestWithParam<std::pair<int64_t, int64_t>> {}; // group, groups

TEST_P(Pool, SumsAndRepeatsGroups) {
  auto [group, groups] = GetParam();
  constexpr int64_t tokens = 2 * 11;
  std::mt19937 rng(1);
  Floats x = Floats::random(tokens * group * groups, rng), u = Floats::random(tokens * groups, rng);
  std::vector<float> sums(tokens * groups), repeated(x.size()), added(x.size());
  for (size_t j = 0; j < sums.size(); ++j) {
    double sum = 0;
    for (int64_t i = 0; i < group; ++i) {
      sum += x[j * group + i];
      repeated[j * group + i] = u[j];
      added[j * group + i] = u[j] + x[j * group + i];
    }
    sums[j] = static_cast<float>(sum);
  }
  std::string wide = tensor({2, 11, group * groups}), narrow = tensor({2, 11, groups});
  std::string attribute = " {group = " + std::to_string(group) + " : i64} : ";
  forEachTarget(kernel({wide}, "%r = qfa.group_pool %a0" + attribute + wide + " -> " + narrow, {narrow}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats y(sums.size());
                  runKernel(kernel, {x.data(), y.data()});
                  expectClose(y, sums, 1e-6, "sums"); // of at most 128 numbers
                });
  forEachTarget(kernel({narrow}, "%r = qfa.group_unpool %a0" + attribute + narrow + " -> " + wide, {wide}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats y(x.size());
                  runKernel(kernel, {u.data(), y.data()});
                  expectClose(y, repeated, 0, "repeated");
                });
  forEachTarget(kernel({narrow, wide},
                       "%r = qfa.group_unpool %a0 plus %a1 : " + wide + attribute + narrow + " -> " + wide, {wide}),
                [&](const TestKernel &kernel, const std::string &) {
                  Floats y(x.size());
                  runKernel(kernel, {u.data(), x.data(), y.data()});
                  expectClose(y, added, 0, "added");
                });
}

INSTANTIATE_TEST_SUITE_P(Groups, Pool,
                         testing::Values(std::pair{8, 2}, std::pair{64, 9}, std::pair{5, 3}, std::pair{128, 1},
                                         std::pair{1, 7}));

TEST(SelectToken, TakesTheTokenOfEveryRow) {
  std::mt19937 rng(1);
  Floats x = Floats::random(3 * 7 * 21, rng);
  std::string type = tensor({3, 7, 21}), one = tensor({3, 1, 21});
  forEachTarget(kernel({type, "tensor<1xi32>"},
                       "%r = qfa.select_token %a0 at %a1 : " + type + ", tensor<1xi32> -> " + one, {one}),
                [&](const TestKernel &kernel, const std::string &) {
                  for (int32_t index : {0, 4, 6}) {
                    Floats y(3 * 21);
                    runKernel(kernel, {x.data(), &index, y.data()});
                    for (int64_t i = 0; i < 3 * 21; ++i)
                      ASSERT_EQ(y[i], x[(i / 21 * 7 + index) * 21 + i % 21]) << i;
                    EXPECT_TRUE(y.guardsStand());
                  }
                });
}
