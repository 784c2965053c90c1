// Half and bfloat16 conversions against the exhaustive list of their values.
#include "qfa/Format/Numbers.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace qfa::format;

// A half's value from its definition.
static double valueOfHalf(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

TEST(Numbers, EveryHalfHasItsValueAndComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if ((bits & 0x7c00) == 0x7c00)
      continue;
    float value = halfToFloat(static_cast<uint16_t>(bits));
    ASSERT_EQ(value, valueOfHalf(static_cast<uint16_t>(bits))) << bits;
    ASSERT_EQ(floatToHalf(value), bits);
  }
}

TEST(Numbers, HalvesRoundToNearestTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    float low = halfToFloat(static_cast<uint16_t>(bits)), high = halfToFloat(static_cast<uint16_t>(bits + 1));
    float middle = static_cast<float>((static_cast<double>(low) + high) / 2);
    ASSERT_EQ(floatToHalf(middle), bits % 2 ? bits + 1 : bits);
    ASSERT_EQ(floatToHalf(std::nextafter(middle, low)), bits);
    ASSERT_EQ(floatToHalf(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(floatToHalf(-std::nextafter(middle, high)), (bits + 1) | 0x8000);
  }
}

TEST(Numbers, HalfInfinityAndNan) {
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(floatToHalf(infinity), 0x7c00);
  EXPECT_EQ(floatToHalf(-1e30f), 0xfc00);
  EXPECT_EQ(floatToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(halfToFloat(0xfc00), -infinity);
  EXPECT_TRUE(std::isnan(halfToFloat(floatToHalf(std::nanf("")))));
  EXPECT_TRUE(std::isnan(halfToFloat(0x7c01)));
}

TEST(Numbers, BfloatsRoundToNearestTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    float low = bfloatToFloat(static_cast<uint16_t>(bits)), high = bfloatToFloat(static_cast<uint16_t>(bits + 1));
    float middle = static_cast<float>((static_cast<double>(low) + high) / 2);
    ASSERT_EQ(floatToBfloat(low), bits);
    ASSERT_EQ(floatToBfloat(middle), bits % 2 ? bits + 1 : bits);
    ASSERT_EQ(floatToBfloat(std::nextafter(middle, low)), bits);
  }
  EXPECT_EQ(floatToBfloat(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(bfloatToFloat(floatToBfloat(std::nanf("")))));
}
