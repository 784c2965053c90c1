// The packed layout, against a statement of it that names every bit, and the numbers of quantization.
#include "qfa/Format/Copies.h"
#include "qfa/Format/Numbers.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace qfa::format;

namespace {

struct Copy {
  CopyShape shape;
  std::vector<uint32_t> words;
  std::vector<float> scales, zeros;

  explicit Copy(CopyShape shape)
      : shape(shape), words(codesWords(shape.out, shape.in, shape.bits), 0xdeadbeef),
        scales(scaleCount(shape.out, shape.in, shape.group), -1), zeros(scales) {}
};

Copy quantized(const std::vector<float> &weight, CopyShape shape) {
  Copy copy(shape);
  roundToNearest(weight.data(), shape, 0, shape.blocks(), copy.words.data(), copy.scales.data(), copy.zeros.data());
  return copy;
}

std::vector<float> randomWeight(int64_t count, float spread = 1) {
  std::mt19937 random(7);
  std::vector<float> weight(count);
  for (float &w : weight)
    w = spread * (static_cast<float>(random() % 20001) / 10000 - 1);
  return weight;
}

// The code of row i of a block from the words of one input, as the layout's table says.
uint32_t codeIn(const uint32_t *words, int bits, int i) {
  switch (bits) {
  case 2:
    return words[i / 16] >> 2 * (i % 16) & 3;
  case 3:
    return (words[i / 16] >> 2 * (i % 16) & 3) | (words[2] >> i & 1) << 2;
  case 4:
    return words[i / 8] >> 4 * (i % 8) & 15;
  default:
    return words[i / 4] >> 8 * (i % 4) & 255;
  }
}

class EveryWidth : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Copies, EveryWidth, testing::Values(2, 3, 4, 8));

TEST_P(EveryWidth, PacksWhereTheLayoutSays) {
  CopyShape shape{45, 300, 20, GetParam()}; // an incomplete block, more inputs than are packed at a time
  std::vector<uint8_t> codes(shape.out * shape.in), row(shape.in);
  std::mt19937 random(3);
  for (uint8_t &code : codes)
    code = random() % (1 << shape.bits);
  std::vector<uint32_t> words(codesWords(shape.out, shape.in, shape.bits), 0xdeadbeef);
  packCodes(shape, 0, shape.blocks(), codes.data(), words.data());
  for (int64_t n = 0; n < 64; ++n)
    for (int64_t k = 0; k < shape.in; ++k)
      ASSERT_EQ(codeIn(&words[(n / 32 * shape.in + k) * shape.bits], shape.bits, n % 32),
                n < shape.out ? codes[n * shape.in + k] : 0);
  for (int64_t n = 0; n < shape.out; ++n) {
    unpackRow(shape, words.data(), n, row.data());
    ASSERT_TRUE(std::equal(row.begin(), row.end(), codes.begin() + n * shape.in));
  }
}

TEST_P(EveryWidth, QuantizesEachGroupBetweenItsExtremes) {
  CopyShape shape{45, 600, 300, GetParam()};
  std::vector<float> weight = randomWeight(shape.out * shape.in), row(shape.in);
  std::vector<uint8_t> codes(shape.in);
  Copy copy = quantized(weight, shape);
  int steps = (1 << shape.bits) - 1;
  for (int64_t n = 0; n < shape.out; ++n) {
    unpackRow(shape, copy.words.data(), n, codes.data());
    dequantizeRow(shape, copy.words.data(), copy.scales.data(), copy.zeros.data(), n, row.data());
    for (int64_t k = 0; k < shape.in; ++k) {
      const float *group = &weight[n * shape.in + k / 300 * 300];
      float low = std::min(0.0f, *std::min_element(group, group + 300));
      float high = std::max(0.0f, *std::max_element(group, group + 300));
      float scale = halfToFloat(floatToHalf((high - low) / steps)), zero = -std::nearbyint(-low / scale) * scale;
      int64_t at = scaleIndex(n, k / 300, 2);
      ASSERT_EQ(copy.scales[at], scale);
      ASSERT_EQ(copy.zeros[at], zero);
      float w = weight[n * shape.in + k];
      ASSERT_EQ(codes[k], std::clamp<float>(std::nearbyint((w - zero) / scale), 0, steps));
      ASSERT_EQ(row[k], scale * codes[k] + zero);
      ASSERT_LE(std::abs(row[k] - w), 0.5001f * scale + 0.001f * steps * scale); // half a step and the scale's rounding
    }
  }
  for (int64_t n = 45; n < 64; ++n) {
    ASSERT_EQ(copy.scales[scaleIndex(n, 1, 2)], 0);
    ASSERT_EQ(copy.zeros[scaleIndex(n, 1, 2)], 0);
  }
}

TEST_P(EveryWidth, GivesTheSameBlockByBlock) {
  CopyShape shape{70, 64, 16, GetParam()};
  std::vector<float> weight = randomWeight(shape.out * shape.in);
  Copy whole = quantized(weight, shape), parts(shape);
  for (int64_t block : {2, 0, 1})
    roundToNearest(weight.data(), shape, block, block + 1, parts.words.data(), parts.scales.data(), parts.zeros.data());
  EXPECT_EQ(whole.words, parts.words);
  EXPECT_EQ(whole.scales, parts.scales);
  EXPECT_EQ(whole.zeros, parts.zeros);
}

TEST_P(EveryWidth, KeepsZeroExactly) {
  CopyShape shape{2, 16, 8, GetParam()};
  std::vector<float> weight(32), row(16);
  for (int i = 0; i < 32; ++i) // the first group of each row mixes signs, the second is all zeros
    weight[i] = i % 16 < 8 ? (i % 3 - 1) * 0.7f + (i % 3 == 1 ? 0 : 0.1f) : 0.0f;
  Copy copy = quantized(weight, shape);
  dequantizeRow(shape, copy.words.data(), copy.scales.data(), copy.zeros.data(), 1, row.data());
  for (int k = 0; k < 16; ++k) {
    if (weight[16 + k] == 0)
      EXPECT_EQ(row[k], 0);
  }
  EXPECT_EQ(copy.scales[scaleIndex(1, 1, 2)], 0);
}

TEST_P(EveryWidth, StaysFiniteForTheLargestAndSmallestWeights) {
  CopyShape shape{1, 4, 4, GetParam()};
  float huge = std::numeric_limits<float>::max(), tiny = 1e-12f;
  std::vector<float> row(4);
  for (float unit : {huge, tiny}) {
    Copy copy = quantized({-unit, unit, 0, unit / 2}, shape);
    dequantizeRow(shape, copy.words.data(), copy.scales.data(), copy.zeros.data(), 0, row.data());
    EXPECT_TRUE(allFinite(row.data(), 4));
  }
}

TEST_P(EveryWidth, MergedAdapterEqualsPooledAdapter) {
  CopyShape shape{40, 48, 8, GetParam()};
  int64_t rank = 3, groups = shape.groups();
  Copy copy = quantized(randomWeight(shape.out * shape.in), shape), merged = copy;
  std::vector<float> a = randomWeight(rank * groups), b = randomWeight(shape.out * rank, 0.1f), x = randomWeight(48);
  float strength = 0.25f;
  mergeAdapter(shape, 0, shape.blocks(), rank, strength, a.data(), b.data(), merged.zeros.data());
  std::vector<float> before(48), after(48);
  for (int64_t n = 0; n < shape.out; ++n) {
    dequantizeRow(shape, copy.words.data(), copy.scales.data(), copy.zeros.data(), n, before.data());
    dequantizeRow(shape, merged.words.data(), merged.scales.data(), merged.zeros.data(), n, after.data());
    double plain = 0, folded = 0;
    for (int64_t k = 0; k < 48; ++k) {
      plain += x[k] * before[k];
      folded += x[k] * after[k];
      for (int64_t r = 0; r < rank; ++r) // s * (pool(x) A^T) B^T
        plain += static_cast<double>(strength) * x[k] * a[r * groups + k / 8] * b[n * rank + r];
    }
    ASSERT_NEAR(plain, folded, 2e-6);
  }
}

TEST(Copies, DequantizesHalfScales) {
  CopyShape shape{1, 2, 2, 2};
  std::vector<uint8_t> codes = {3, 1};
  std::vector<uint32_t> words(codesWords(1, 2, 2));
  packCodes(shape, 0, 1, codes.data(), words.data());
  std::vector<uint16_t> scales(32, floatToHalf(0.5f)), zeros(32, floatToHalf(-1));
  float row[2];
  dequantizeRow(shape, words.data(), scales.data(), zeros.data(), 0, row);
  EXPECT_EQ(row[0], 0.5f);
  EXPECT_EQ(row[1], -0.5f);
}

TEST(Copies, FindsNumbersThatAreNotFinite) {
  std::vector<float> values(37, 1e38f);
  EXPECT_TRUE(allFinite(values.data(), 37));
  for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    values[36] = bad;
    EXPECT_FALSE(allFinite(values.data(), 37));
  }
}

} // namespace
