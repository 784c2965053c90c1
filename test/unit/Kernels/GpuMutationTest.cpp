// Every barrier and every wait of the GPU kernels is needed: without it the emulator finds a fault, or the results
// differ.
#include "GpuKernels.h"
#include "KernelText.h"

#include <gtest/gtest.h>

#include <deque>
#include <iostream>

using namespace qfa;
using namespace qfa::test;

namespace {
// Operands of a kernel: their types and random values.
class Operands {
public:
  std::vector<std::string> types;
  std::vector<void *> values;

  std::string floats(const std::vector<int64_t> &dims) {
    add(tensor(dims), floatsOf(dims));
    return types.back();
  }
  std::string accumulator(const std::vector<int64_t> &dims) {
    add(buffer(dims), floatsOf(dims));
    return types.back();
  }
  // All below `limit`.
  std::string integers(const std::vector<int64_t> &dims, uint32_t limit) {
    std::vector<int32_t> &made = integerMemory.emplace_back(countOf(dims));
    for (int32_t &value : made)
      value = static_cast<int32_t>(rng() % limit);
    add(tensor(dims, "i32"), made.data());
    return types.back();
  }
  std::string elastic(int64_t out, int64_t in, int64_t bits, int64_t group, int64_t rank) {
    ElasticWeight &made = weights.emplace_back(out, in, bits, group, rank, /*half=*/true, rng);
    add(elasticType(out, in, std::to_string(bits), group, rank, "f16"), &made.row);
    return types.back();
  }

private:
  static size_t countOf(const std::vector<int64_t> &dims) {
    size_t count = 1;
    for (int64_t dim : dims)
      count *= dim;
    return count;
  }
  void *floatsOf(const std::vector<int64_t> &dims) {
    return floatMemory.emplace_back(Floats::random(countOf(dims), rng)).data();
  }
  void add(const std::string &type, void *value) {
    types.push_back(type);
    values.push_back(value);
  }

  std::mt19937 rng{1};
  std::deque<Floats> floatMemory;
  std::deque<std::vector<int32_t>> integerMemory;
  std::deque<ElasticWeight> weights;
};
} // namespace

namespace {
class GpuMutation : public testing::Test {
protected:
  static inline size_t tried = 0, noticed = 0;
  static void TearDownTestSuite() { std::cout << tried << " mutants, " << noticed << " noticed\n"; }

  static void expectAllNoticed(const Operands &operands, const std::string &op, const std::vector<std::string> &results,
                               const std::vector<std::string> &precisions = {"f32", "bf16"},
                               const std::string &arch = "80", unsigned multiprocessors = 0) {
    for (const std::string &precision : precisions) {
      GpuKernels kernels(kernel(operands.types, op, results), precision, arch, multiprocessors);
      ASSERT_EQ(kernels.error, "") << op;
      GpuMutants mutants = kernels.mutate("k", operands.values);
      EXPECT_GT(mutants.tried, 0u);
      for (const std::string &without : mutants.unnoticed)
        ADD_FAILURE() << precision << ": not noticed, without " << without;
      tried += mutants.tried;
      noticed += mutants.tried - mutants.unnoticed.size();
    }
  }

  static void expectCachedAllNoticed(int64_t tokens, int64_t context, const std::vector<std::string> &precisions);
};
} // namespace

// Kernels whose factors are not rounded are the same in both precisions.
static const std::vector<std::string> once = {"f32"};

// 270 is more than the stages of either tile hold, so that all of them are filled again.
TEST_F(GpuMutation, Linear) {
  Operands o;
  std::string x = o.floats({1, 9, 270}), w = o.floats({20, 270}), y = tensor({1, 9, 20});
  expectAllNoticed(o, "%r = qfa.linear %a0, %a1 : " + x + ", " + w + " -> " + y, {y});
}

TEST_F(GpuMutation, LinearOfManyTokens) {
  Operands o;
  std::string x = o.floats({1, 70, 256}), w = o.elastic(40, 256, 3, 64, 4), a = o.floats({1, 70, 4}),
              y = tensor({1, 70, 40});
  expectAllNoticed(o, "%r = qfa.linear %a0, %a1 adapter(%a2 : " + a + ") : " + x + ", " + w + " -> " + y, {y});
}

// 256 x 128, with one copied tile in flight and with two; 128 x 256 and 128 x 128 by warpgroups. k: as said above.
TEST_F(GpuMutation, LinearOfLargeTiles) {
  struct Case {
    const char *arch;
    int64_t n, k;
  };
  for (auto [arch, n, k] : {Case{"80", 20, 270}, {"90", 20, 270}, {"90a", 240, 400}, {"90a", 20, 400}}) {
    Operands o;
    std::string x = o.floats({1, 250, k}), w = o.floats({n, k}), y = tensor({1, 250, n});
    expectAllNoticed(o, "%r = qfa.linear %a0, %a1 : " + x + ", " + w + " -> " + y, {y}, {"bf16"}, arch,
                     /*multiprocessors=*/1);
  }
}

TEST_F(GpuMutation, LinearOfFewTokens) {
  Operands o;
  std::string x = o.floats({1, 2, 256}), w = o.elastic(40, 256, 4, 16, 0), y = tensor({1, 2, 40});
  expectAllNoticed(o, "%r = qfa.linear %a0, %a1 : " + x + ", " + w + " -> " + y, {y}, once);
}

TEST_F(GpuMutation, LinearGrad) {
  Operands o;
  std::string y = o.floats({1, 9, 270}), w = o.floats({270, 20}), x = tensor({1, 9, 20});
  expectAllNoticed(o, "%r = qfa.linear_grad %a0, %a1 : " + y + ", " + w + " -> " + x, {x});
}

TEST_F(GpuMutation, AccumulateOuter) {
  Operands o;
  std::string left = o.floats({1, 270, 9}), right = o.floats({1, 270, 20}), into = o.accumulator({9, 20});
  expectAllNoticed(
      o, "qfa.accumulate_outer %a0, %a1 into %a2 {scale = 0.5 : f32} : " + left + ", " + right + ", " + into, {});
}

TEST_F(GpuMutation, CrossEntropy) {
  Operands o;
  std::string h = o.floats({1, 9, 270}), w = o.floats({300, 270}), labels = o.integers({1, 9}, 300), t = tensor({1, 9});
  expectAllNoticed(
      o, "%r:3 = qfa.cross_entropy %a0, %a1, %a2 : " + h + ", " + w + ", " + labels + " -> " + t + ", " + t + ", " + h,
      {t, t, h});
}

TEST_F(GpuMutation, CrossEntropyWeightGrad) {
  Operands o;
  std::string h = o.floats({1, 270, 270}), w = o.floats({40, 270}), labels = o.integers({1, 270}, 40),
              lse = o.floats({1, 270}), into = o.accumulator({40, 270});
  expectAllNoticed(o,
                   "qfa.cross_entropy_weight_grad %a0, %a1, %a2, %a3 into %a4 : " + h + ", " + w + ", " + labels +
                       ", " + lse + ", " + into,
                   {});
}

static const std::string heads = "{num_heads = 2 : i64, num_kv_heads = 1 : i64, scale = 0.25 : f32}";

// More than two blocks of queries and of keys.
TEST_F(GpuMutation, Attention) {
  Operands o;
  std::string q = o.floats({1, 140, 32}), kv = o.floats({1, 140, 16}), lse = tensor({1, 2, 140});
  o.floats({1, 140, 16});
  expectAllNoticed(o, "%r:2 = qfa.attention %a0, %a1, %a2 " + heads + " : " + q + ", " + kv + " -> " + lse, {q, lse});
}

TEST_F(GpuMutation, AttentionGrad) {
  Operands o;
  std::string q = o.floats({1, 140, 32}), kv = o.floats({1, 140, 16});
  o.floats({1, 140, 16}); // v
  o.floats({1, 140, 32}); // y
  std::string lse = o.floats({1, 2, 140});
  o.floats({1, 140, 32}); // dy
  expectAllNoticed(
      o, "%r:3 = qfa.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 " + heads + " : " + q + ", " + kv + ", " + lse,
      {q, kv, kv});
}

// Heads so wide that there is room for one stage of what is walked over.
TEST_F(GpuMutation, AttentionGradOfWideHeads) {
  Operands o;
  std::string q = o.floats({1, 70, 544}), kv = o.floats({1, 70, 272});
  o.floats({1, 70, 272}); // v
  o.floats({1, 70, 544}); // y
  std::string lse = o.floats({1, 2, 70});
  o.floats({1, 70, 544}); // dy
  expectAllNoticed(
      o, "%r:3 = qfa.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 " + heads + " : " + q + ", " + kv + ", " + lse,
      {q, kv, kv}, {"bf16"});
}

void GpuMutation::expectCachedAllNoticed(int64_t tokens, int64_t context, const std::vector<std::string> &precisions) {
  Operands o;
  std::string q = o.floats({1, tokens, 32}), kv = o.floats({1, tokens, 16});
  o.floats({1, tokens, 16});
  o.integers({1}, 1); // the caches are random: any position but the first would read them as well
  std::string cache = o.accumulator({context, 16});
  o.accumulator({context, 16});
  expectAllNoticed(o,
                   "%r = qfa.cached_attention %a0, %a1, %a2, %a3, %a4, %a5 " + heads + " : " + q + ", " + kv +
                       ", tensor<1xi32>, " + cache,
                   {q}, precisions);
}

TEST_F(GpuMutation, CachedAttentionOfManyTokens) { expectCachedAllNoticed(140, 160, {"f32", "bf16"}); }
TEST_F(GpuMutation, CachedAttentionOfOneToken) { expectCachedAllNoticed(1, 160, once); }

TEST_F(GpuMutation, RmsNorm) {
  Operands o;
  std::string x = o.floats({1, 3, 300}), gain = o.floats({300});
  expectAllNoticed(o, "%r = qfa.rms_norm %a0, %a1 {epsilon = 1.0e-03 : f32} : " + x + ", " + gain, {x}, once);
}

TEST_F(GpuMutation, RmsNormGrad) {
  Operands o;
  std::string x = o.floats({1, 3, 300}), gain = o.floats({300});
  o.floats({1, 3, 300});
  expectAllNoticed(o, "%r = qfa.rms_norm_grad %a0, %a1, %a2 {epsilon = 1.0e-03 : f32} : " + x + ", " + gain, {x}, once);
}

TEST_F(GpuMutation, RmsNormGainGrad) {
  Operands o;
  std::string x = o.floats({1, 3, 300});
  o.floats({1, 3, 300});
  std::string into = o.accumulator({300});
  expectAllNoticed(o, "qfa.rms_norm_gain_grad %a0, %a1 into %a2 {epsilon = 1.0e-03 : f32} : " + x + ", " + into, {},
                   once);
}

TEST_F(GpuMutation, GradientNorm) {
  Operands o;
  std::string into = o.accumulator({1500}), one = tensor({1});
  expectAllNoticed(o, "%r = qfa.gradient_norm %a0 : " + into + " -> " + one, {one}, once);
}
