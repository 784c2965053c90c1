// Statements of conversions, of 16-bit floats and of integer functions.
#include "ExactNumbers.h"
#include "ScalarCases.h"

using namespace qfa::emu;

template <typename From, typename To>
static void addToInteger(ScalarCases &cases, const std::string &name, bool canFlush) {
  for (auto [mode, rounding] : modes)
    for (bool flush : {false, true}) {
      if (flush && !canFlush)
        continue;
      Mode rounds = rounding;
      cases.push_back(
          {name + mode + (flush ? ".ftz" : ""),
           std::string(sizeof(To) == 4 ? "i" : "l") + (sizeof(From) == 4 ? "f" : "d"),
           [=](const uint64_t *in) -> uint64_t {
             From x = flushed(take<From>(in[0]), flush);
             constexpr uint64_t mask = sizeof(To) == 4 ? 0xffffffffu : ~uint64_t(0);
             if (std::isnan(x)) // "zero if source is not .f64 and destination is not .s64/.u64, else the top bit"
               return sizeof(From) == 4 && sizeof(To) == 4 ? 0 : uint64_t(1) << (8 * sizeof(To) - 1);
             if (std::isinf(x))
               return uint64_t(x > 0 ? std::numeric_limits<To>::max() : std::numeric_limits<To>::min()) & mask;
             Quad whole = integerNear(x, rounds);
             if (whole > Quad(std::numeric_limits<To>::max()))
               whole = Quad(std::numeric_limits<To>::max());
             if (whole < Quad(std::numeric_limits<To>::min()))
               whole = Quad(std::numeric_limits<To>::min());
             return uint64_t(To(whole)) & mask;
           }});
    }
}

template <typename From, typename To>
static void addFromInteger(ScalarCases &cases, const std::string &name) {
  for (auto [mode, rounding] : modes) {
    Mode rounds = rounding;
    cases.push_back({name + mode, std::string(sizeof(To) == 4 ? "f" : "d") + (sizeof(From) == 4 ? "i" : "l"),
                     [=](const uint64_t *in) { return bitsOf(roundTo<To>(exactly(Quad(From(in[0]))), rounds)); }});
  }
}

static uint16_t narrowed(const Narrow &type, float x, bool towardZero, bool relu) {
  if (std::isnan(x))
    return 0x7fff;
  if (relu && x < 0)
    return 0;
  return type.round(Quad(x), towardZero) | (std::signbit(x) ? 0x8000 : 0);
}

static void addNarrowType(ScalarCases &cases, const Narrow &type, const std::string &name, const std::string &letter,
                          const std::string &pair) {
  auto each = [](int count, const uint64_t *in, auto &&one) {
    uint64_t result = 0;
    for (int i = 0; i < count; ++i)
      result |= uint64_t(one(uint16_t(in[0] >> 16 * i), uint16_t(in[1] >> 16 * i), uint16_t(in[2] >> 16 * i)))
                << 16 * i;
    return result;
  };
  for (int count : {1, 2}) {
    std::string suffix = "." + name + (count == 2 ? "x2" : ""), of = count == 2 ? pair : letter;
    for (bool relu : {false, true})
      cases.push_back(
          {std::string("fma.rn") + (relu ? ".relu" : "") + suffix, of + of + of + of, [=](const uint64_t *in) {
             return each(count, in, [&](uint16_t a, uint16_t b, uint16_t c) -> uint16_t {
               double x = type.value(a), y = type.value(b), z = type.value(c);
               double plain = std::fma(x, y, z); // right in kind, and in sign when it is zero
               if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z))
                 return std::isnan(plain) ? 0x7fff : relu && plain < 0 ? 0 : type.round(plain, false);
               if (relu && plain < 0)
                 return 0;
               uint16_t bits = type.round(Quad(x) * Quad(y) + Quad(z), false);
               return bits | (std::signbit(plain) ? 0x8000 : 0);
             });
           }});
    for (bool greater : {false, true})
      for (bool nan : {false, true})
        cases.push_back({std::string(greater ? "fmax" : "fmin") + (nan ? ".nan" : "") + suffix, of + of + of,
                         [=](const uint64_t *in) {
                           return each(count, in, [&](uint16_t a, uint16_t b, uint16_t) -> uint16_t {
                             double x = type.value(a), y = type.value(b);
                             if (std::isnan(x) || std::isnan(y))
                               return nan || (std::isnan(x) && std::isnan(y)) ? 0x7fff : std::isnan(x) ? b : a;
                             bool first = x != y ? (x > y) == greater : std::signbit(x) != greater;
                             return first ? a : b;
                           });
                         }});
  }
}

void qfa::emu::addNarrow(ScalarCases &cases) {
  addNarrowType(cases, bf16, "bf16", "b", "B");
  addNarrowType(cases, f16, "f16", "h", "H");
}

void qfa::emu::addConversions(ScalarCases &cases) {
  addToInteger<float, int32_t>(cases, "f2i", true);
  addToInteger<float, uint32_t>(cases, "f2ui", true);
  addToInteger<float, int64_t>(cases, "f2ll", true);
  addToInteger<float, uint64_t>(cases, "f2ull", true);
  addToInteger<double, int32_t>(cases, "d2i", false);
  addToInteger<double, uint32_t>(cases, "d2ui", false);
  addToInteger<double, int64_t>(cases, "d2ll", false);
  addToInteger<double, uint64_t>(cases, "d2ull", false);
  addFromInteger<int32_t, float>(cases, "i2f");
  addFromInteger<uint32_t, float>(cases, "ui2f");
  addFromInteger<int64_t, float>(cases, "ll2f");
  addFromInteger<uint64_t, float>(cases, "ull2f");
  addFromInteger<int32_t, double>(cases, "i2d");
  addFromInteger<uint32_t, double>(cases, "ui2d");
  addFromInteger<int64_t, double>(cases, "ll2d");
  addFromInteger<uint64_t, double>(cases, "ull2d");
  for (auto [mode, rounding] : modes)
    for (bool flush : {false, true}) {
      Mode rounds = rounding;
      cases.push_back({std::string("d2f") + mode + (flush ? ".ftz" : ""), "fd", [=](const uint64_t *in) {
                         double x = asDouble(in[0]);
                         float result = std::isfinite(x)
                                            ? signedLike(roundTo<float>(exactly(x), rounds), std::signbit(x))
                                            : float(x);
                         return bitsOf(flushed(result, flush));
                       }});
    }
  cases.push_back(
      {"f2h.rn", "sf", [](const uint64_t *in) { return uint64_t(narrowed(f16, asFloat(in[0]), false, false)); }});
  cases.push_back({"f2h.rn.ftz", "sf", [](const uint64_t *in) {
                     return uint64_t(narrowed(f16, flushed(asFloat(in[0]), true), false, false));
                   }});
  for (bool zero : {false, true})
    for (bool relu : {false, true}) {
      std::string suffix = std::string(zero ? ".rz" : ".rn") + (relu ? ".relu" : "");
      auto pair = [=](const Narrow &type) {
        return [=](const uint64_t *in) { // d = {a, b}: a in the upper half
          return uint64_t(narrowed(type, asFloat(in[0]), zero, relu)) << 16 |
                 narrowed(type, asFloat(in[1]), zero, relu);
        };
      };
      cases.push_back({"f2bf16" + suffix, "bf",
                       [=](const uint64_t *in) { return uint64_t(narrowed(bf16, asFloat(in[0]), zero, relu)); }});
      cases.push_back({"ff2bf16x2" + suffix, "Bff", pair(bf16)});
      cases.push_back({"ff2f16x2" + suffix, "Hff", pair(f16)});
    }
  // tf32: 8 bits of exponent, 10 of mantissa; the quotient by the unit of the last place is an integer then.
  for (auto [name, mode] : {std::pair{"f2tf32.rna", 0}, {"f2tf32.rn", 1}, {"f2tf32.rz", 2}})
    cases.push_back({name, "if", [mode = mode](const uint64_t *in) -> uint64_t {
                       float x = asFloat(in[0]);
                       if (std::isnan(x))
                         return 0x7fffffff;
                       if (std::isinf(x))
                         return in[0];
                       int exponent;
                       std::frexp(x, &exponent);
                       double unit = std::ldexp(1.0, std::max(exponent, -125) - 11), quotient = std::fabs(x) / unit;
                       double whole = mode == 0   ? std::floor(quotient + 0.5)
                                      : mode == 1 ? std::nearbyint(quotient)
                                                  : std::floor(quotient);
                       return bitsOf(std::copysign(float(whole * unit), x));
                     }});
  cases.push_back(
      {"lohi.i2d", "dii", [](const uint64_t *in) { return bitsOf(asDouble(in[1] << 32 | uint32_t(in[0]))); }});
  cases.push_back({"d2i.lo", "id", [](const uint64_t *in) { return in[0] & 0xffffffff; }});
  cases.push_back({"d2i.hi", "id", [](const uint64_t *in) { return in[0] >> 32; }});
}

void qfa::emu::addIntegers(ScalarCases &cases) {
  auto add = [&](const std::string &name, const std::string &signature, Statement statement) {
    cases.push_back({name, signature, std::move(statement)});
  };
  add("mulhi.s", "sss", [](auto *in) { return uint64_t(uint16_t(int32_t(int16_t(in[0])) * int16_t(in[1]) >> 16)); });
  add("mulhi.us", "sss", [](auto *in) { return uint64_t(uint16_t(in[0])) * uint16_t(in[1]) >> 16; });
  add("mulhi.i", "iii", [](auto *in) { return uint64_t(uint32_t(int64_t(int32_t(in[0])) * int32_t(in[1]) >> 32)); });
  add("mulhi.ui", "iii", [](auto *in) { return uint64_t(uint32_t(in[0])) * uint32_t(in[1]) >> 32; });
  add("mulhi.ll", "lll", [](auto *in) { return uint64_t(__int128(int64_t(in[0])) * int64_t(in[1]) >> 64); });
  add("mulhi.ull", "lll", [](auto *in) { return uint64_t((unsigned __int128)(in[0]) * in[1] >> 64); });
  // The low 24 bits of each, with their sign.
  add("mul24.i", "iii", [](auto *in) {
    auto low = [](uint64_t x) { return int64_t(x & 0xffffff) - (x & 0x800000 ? 0x1000000 : 0); };
    return uint64_t(low(in[0]) * low(in[1])) & 0xffffffff;
  });
  add("mul24.ui", "iii", [](auto *in) { return ((in[0] & 0xffffff) * (in[1] & 0xffffff)) & 0xffffffff; });
  add("sad.i", "iiii", [](auto *in) {
    int64_t x = int32_t(in[0]), y = int32_t(in[1]);
    return uint64_t(in[2] + (x < y ? y - x : x - y)) & 0xffffffff;
  });
  add("sad.ui", "iiii", [](auto *in) {
    int64_t x = uint32_t(in[0]), y = uint32_t(in[1]);
    return uint64_t(in[2] + (x < y ? y - x : x - y)) & 0xffffffff;
  });
  add("prmt", "iiii", [](auto *in) {
    std::string bytes; // b0 to b7: those of a, then those of b
    for (int i = 0; i < 8; ++i)
      bytes += char(in[i / 4] >> 8 * (i % 4));
    uint64_t result = 0;
    for (int i = 0; i < 4; ++i) {
      int selector = in[2] >> 4 * i & 15;
      uint8_t byte = bytes[selector & 7];
      result |= uint64_t(selector & 8 ? (byte & 0x80 ? 0xff : 0x00) : byte) << 8 * i;
    }
    return result;
  });
  for (bool firstSigned : {true, false})
    for (bool secondSigned : {true, false})
      add(std::string("idp4a.") + (firstSigned ? "s" : "u") + (secondSigned ? ".s" : ".u"), "iiii", [=](auto *in) {
        auto byte = [](uint64_t word, int i, bool isSigned) {
          int value = word >> 8 * i & 255;
          return isSigned && value > 127 ? value - 256 : value;
        };
        int64_t sum = in[2];
        for (int i = 0; i < 4; ++i)
          sum += byte(in[0], i, firstSigned) * byte(in[1], i, secondSigned);
        return uint64_t(sum) & 0xffffffff;
      });
  add("asm.bfind.shiftamt.u32", "ii", [](auto *in) {
    for (int bit = 31; bit >= 0; --bit)
      if (in[0] >> bit & 1)
        return uint64_t(31 - bit);
    return uint64_t(0xffffffff);
  });
}
