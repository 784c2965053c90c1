// Scalar functions as templates, and the table that Intrinsics.def makes of them.
#include "qfa/GpuEmulator/Math.h"

#include "qfa/GpuEmulator/Mma.h"

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>
#include <type_traits>
#include <unordered_map>

#pragma STDC FENV_ACCESS ON

using namespace qfa::emu;

namespace {

// How a function departs from plain IEEE arithmetic.
enum Form : unsigned { Plain = 0, Flush = 1, Saturate = 2, Relu = 4, KeepNan = 8 };

template <typename T>
T flush(T x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(T(0), x) : x;
}

template <unsigned form, typename T>
T argument(const void *in, int index) {
  T x = operand<T>(in, index);
  if constexpr (form & Flush)
    return flush(x);
  return x;
}

template <unsigned form, typename T>
T finish(T x) {
  if constexpr (form & Flush)
    x = flush(x);
  if constexpr (form & Saturate)
    x = x > 0 ? (x < 1 ? x : T(1)) : T(0); // NaN gives 0
  return x;
}

// ---- arithmetic with a rounding mode ----

struct Add {
  static constexpr int arity = 2;
  template <typename T>
  static T of(T x, T y, T) {
    return x + y;
  }
};
struct Mul {
  static constexpr int arity = 2;
  template <typename T>
  static T of(T x, T y, T) {
    return x * y;
  }
};
struct Div {
  static constexpr int arity = 2;
  template <typename T>
  static T of(T x, T y, T) {
    return x / y;
  }
};
struct Fma {
  static constexpr int arity = 3;
  template <typename T>
  static T of(T x, T y, T z) {
    return std::fma(x, y, z);
  }
};
struct Rcp {
  static constexpr int arity = 1;
  template <typename T>
  static T of(T x, T, T) {
    return T(1) / x;
  }
};
struct Sqrt {
  static constexpr int arity = 1;
  template <typename T>
  static T of(T x, T, T) {
    return std::sqrt(x);
  }
};

// volatile keeps the compiler from moving the operation out of the changed mode.
template <typename Op, typename T, int mode, unsigned form>
void rounded(const void *in, void *out) {
  volatile T x = argument<form, T>(in, 0);
  volatile T y = Op::arity > 1 ? argument<form, T>(in, 1) : T(0);
  volatile T z = Op::arity > 2 ? argument<form, T>(in, 2) : T(0);
  std::fesetround(mode);
  volatile T result = Op::template of<T>(x, y, z);
  std::fesetround(FE_TONEAREST);
  giveResult(out, finish<form, T>(result));
}

template <typename From, typename To, int mode, unsigned form>
void convert(const void *in, void *out) {
  volatile From x = operand<From>(in, 0);
  std::fesetround(mode);
  volatile To result = To(x);
  std::fesetround(FE_TONEAREST);
  giveResult(out, finish<form, To>(result));
}

// Out of range clamps. NaN gives 0, but the integer's top bit alone where a type of 64 bits takes part.
template <typename From, typename To, int mode, unsigned form>
void toInteger(const void *in, void *out) {
  using Limits = std::numeric_limits<To>;
  From x = argument<form, From>(in, 0);
  if (std::isnan(x))
    return giveResult(out, sizeof(From) == 8 || sizeof(To) == 8
                               ? To(std::make_unsigned_t<To>(1) << (Limits::digits - !std::is_signed_v<To>))
                               : To(0));
  x = mode == FE_TONEAREST    ? std::nearbyint(x)
      : mode == FE_TOWARDZERO ? std::trunc(x)
      : mode == FE_DOWNWARD   ? std::floor(x)
                              : std::ceil(x);
  // From(max) may round up to 2^n, which is out of range itself.
  giveResult(out, x <= From(Limits::min()) ? Limits::min() : x >= From(Limits::max()) ? Limits::max() : To(x));
}

// ---- 16-bit floats ----

struct Bf16 {
  static double read(uint16_t bits) { return fromBf16(bits); }
  static uint16_t write(double value) { return toBf16(value); }
  static constexpr uint16_t nan = 0x7fff;
};
struct F16 {
  static double read(uint16_t bits) { return fromF16(bits); }
  static uint16_t write(double value) { return toF16(value); }
  static constexpr uint16_t nan = 0x7fff;
};

template <typename Type, bool towardZero, unsigned form>
uint16_t narrowOne(float x) {
  if (std::isnan(x))
    return Type::nan;
  if ((form & Relu) && x < 0)
    return 0;
  uint16_t bits = Type::write(x);
  // One step back where rounding to nearest went away from zero.
  if (towardZero && std::isfinite(x) && std::fabs(Type::read(bits)) > std::fabs(double(x)))
    --bits;
  return bits;
}

template <typename Type, bool towardZero, unsigned form>
void narrow(const void *in, void *out) {
  giveResult(out, narrowOne<Type, towardZero, form>(operand<float>(in, 0)));
}

// The first operand becomes the upper half.
template <typename Type, bool towardZero, unsigned form>
void narrowPair(const void *in, void *out) {
  uint32_t high = narrowOne<Type, towardZero, form>(operand<float>(in, 0));
  giveResult(out, high << 16 | narrowOne<Type, towardZero, form>(operand<float>(in, 1)));
}

template <unsigned form>
void floatToHalfBits(const void *in, void *out) {
  giveResult(out, narrowOne<F16, false, Plain>(argument<form, float>(in, 0)));
}

// x * y + z with the last bit odd where it is inexact, so that a second rounding to a narrow type is the only one.
// The product of two narrow floats is exact in double.
double fmaToOdd(double x, double y, double z) {
  volatile double product = x * y, sum = product + z, back = sum - product;
  double rest = (product - (sum - back)) + (z - back);
  if (rest == 0 || !std::isfinite(sum))
    return sum;
  uint64_t bits = std::bit_cast<uint64_t>(double(sum));
  if (!(bits & 1))
    bits += (rest > 0) == (sum > 0) ? 1 : -1;
  return std::bit_cast<double>(bits);
}

template <typename Type, int count, unsigned form>
void fmaNarrow(const void *in, void *out) {
  for (int i = 0; i < count; ++i) {
    auto of = [&](int index) { return Type::read(operand<uint32_t>(in, index) >> 16 * i); };
    double result = fmaToOdd(of(0), of(1), of(2));
    if ((form & Relu) && result < 0)
      result = 0;
    giveResult(static_cast<char *>(out) + 2 * i, std::isnan(result) ? Type::nan : Type::write(result));
  }
}

// ---- smaller and greater ----

template <bool greater, unsigned form, typename T>
T extremeOf(T x, T y) {
  if (std::isnan(x) || std::isnan(y))
    return (form & KeepNan) || (std::isnan(x) && std::isnan(y)) ? std::numeric_limits<T>::quiet_NaN()
           : std::isnan(x)                                      ? y
                                                                : x;
  bool less = x < y || (x == y && std::signbit(x)); // -0 is less than +0
  return less == greater ? y : x;
}

template <typename T, bool greater, unsigned form>
void extreme(const void *in, void *out) {
  giveResult(out, extremeOf<greater, form>(argument<form, T>(in, 0), argument<form, T>(in, 1)));
}

template <typename Type, int count, bool greater, unsigned form>
void extremeNarrow(const void *in, void *out) {
  for (int i = 0; i < count; ++i) {
    auto of = [&](int index) { return Type::read(operand<uint32_t>(in, index) >> 16 * i); };
    double result = extremeOf<greater, form>(of(0), of(1));
    giveResult(static_cast<char *>(out) + 2 * i, std::isnan(result) ? Type::nan : Type::write(result));
  }
}

// ---- functions of one value ----

// Keeps the upper 32 bits, all that the coarse instructions of doubles give.
double upperHalf(double x) { return std::bit_cast<double>(std::bit_cast<uint64_t>(x) & 0xffffffff00000000u); }

#define QFA_FUNCTION(name, expression)                                                                                 \
  struct name {                                                                                                        \
    template <typename T>                                                                                              \
    static T of(T x) {                                                                                                 \
      return expression;                                                                                               \
    }                                                                                                                  \
  };
QFA_FUNCTION(Floor, std::floor(x))
QFA_FUNCTION(Ceil, std::ceil(x))
QFA_FUNCTION(Trunc, std::trunc(x))
QFA_FUNCTION(RoundEven, std::nearbyint(x))
QFA_FUNCTION(Abs, std::fabs(x))
QFA_FUNCTION(Clamp01, (x > 0 ? (x < 1 ? x : T(1)) : T(0)))
QFA_FUNCTION(ApproxSqrt, std::sqrt(x))
QFA_FUNCTION(ApproxRsqrt, T(1 / std::sqrt(double(x))))
QFA_FUNCTION(ApproxRcp, T(1) / x)
QFA_FUNCTION(CoarseRsqrt, upperHalf(1 / std::sqrt(x)))
QFA_FUNCTION(CoarseRcp, upperHalf(1 / x))
QFA_FUNCTION(Exp2, std::exp2(x))
QFA_FUNCTION(Log2, std::log2(x))
QFA_FUNCTION(Sin, std::sin(x))
QFA_FUNCTION(Cos, std::cos(x))
#undef QFA_FUNCTION

template <typename Op, typename T, unsigned form>
void unary(const void *in, void *out) {
  giveResult(out, finish<form, T>(Op::template of<T>(argument<form, T>(in, 0))));
}

// ---- bits and integers ----

enum TieRule { TiesAway, TiesEven, Truncate };

// tf32 has 10 bits of mantissa, in the upper bits of a float.
template <TieRule rule>
void toTf32(const void *in, void *out) {
  uint32_t bits = operand<uint32_t>(in, 0);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return giveResult(out, 0x7fffffffu);
  if (rule == TiesAway)
    bits += 0x1000;
  if (rule == TiesEven)
    bits += 0xfff + (bits >> 13 & 1);
  giveResult(out, bits & 0xffffe000u);
}

void joinDouble(const void *in, void *out) {
  giveResult(out, uint64_t(operand<uint32_t>(in, 1)) << 32 | operand<uint32_t>(in, 0));
}
template <int half>
void halfOfDouble(const void *in, void *out) {
  giveResult(out, uint32_t(operand<uint64_t>(in, 0) >> 32 * half));
}
template <typename T, typename Wide>
void highProduct(const void *in, void *out) {
  giveResult(out, T(Wide(operand<T>(in, 0)) * operand<T>(in, 1) >> 8 * sizeof(T)));
}
template <typename T>
void product24(const void *in, void *out) {
  auto low = [&](int index) { return int64_t(T(operand<T>(in, index) << 8) >> 8); };
  giveResult(out, uint32_t(low(0) * low(1)));
}
template <typename T>
void absoluteDifference(const void *in, void *out) {
  T x = operand<T>(in, 0), y = operand<T>(in, 1);
  giveResult(out, uint32_t(x < y ? uint32_t(y) - uint32_t(x) : uint32_t(x) - uint32_t(y)) + operand<uint32_t>(in, 2));
}
template <typename A, typename B>
void dot4(const void *in, void *out) {
  uint32_t a = operand<uint32_t>(in, 0), b = operand<uint32_t>(in, 1), sum = operand<uint32_t>(in, 2);
  for (int i = 0; i < 32; i += 8)
    sum += uint32_t(int32_t(A(a >> i)) * int32_t(B(b >> i)));
  giveResult(out, sum);
}
// Nibble i of the selector names the byte of {y, x} that becomes byte i; its top bit asks for the byte's sign instead.
void permuteBytes(const void *in, void *out) {
  uint64_t bytes = uint64_t(operand<uint32_t>(in, 1)) << 32 | operand<uint32_t>(in, 0);
  uint32_t selector = operand<uint32_t>(in, 2), result = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t nibble = selector >> 4 * i & 15;
    uint8_t byte = bytes >> 8 * (nibble & 7);
    if (nibble & 8)
      byte = byte & 0x80 ? 0xff : 0;
    result |= uint32_t(byte) << 8 * i;
  }
  giveResult(out, result);
}
// How far left the highest set bit would have to move; all ones when there is none.
void findShift(const void *in, void *out) {
  uint32_t x = operand<uint32_t>(in, 0);
  giveResult(out, x ? uint32_t(std::countl_zero(x)) : ~0u);
}

struct ScalarRow {
  std::string_view name;
  ScalarFunction *function;
};
constexpr ScalarRow scalars[] = {
#define QFA_SCALAR(name, ...) {name, __VA_ARGS__},
#include "qfa/GpuEmulator/Intrinsics.def"
};

} // namespace

uint16_t qfa::emu::toBf16(double value) {
  if (std::isnan(value))
    return Bf16::nan;
  float single = float(value);
  uint32_t bits = std::bit_cast<uint32_t>(single);
  // Rounded to odd first, so that the second rounding is the only one.
  if (double(single) != value && std::isfinite(single)) {
    if (std::fabs(double(single)) > std::fabs(value))
      --bits;
    bits |= 1;
  }
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

uint16_t qfa::emu::toF16(double value) { return std::bit_cast<uint16_t>(_Float16(value)); }

ScalarFunction *qfa::emu::findScalar(std::string_view name) {
  static const auto byName = [] {
    std::unordered_map<std::string_view, ScalarFunction *> map;
    for (const ScalarRow &row : scalars)
      map[row.name] = row.function;
    return map;
  }();
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : found->second;
}

std::vector<std::string_view> qfa::emu::scalarNames() {
  std::vector<std::string_view> names;
  for (const ScalarRow &row : scalars)
    names.push_back(row.name);
  return names;
}
