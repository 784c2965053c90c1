// Arithmetic wide enough to state what a rounded operation gives.
#ifndef QFA_TEST_GPUEMULATOR_EXACTNUMBERS_H
#define QFA_TEST_GPUEMULATOR_EXACTNUMBERS_H

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace qfa::emu {

// Wide enough to hold sums and products of doubles nearly or quite exactly.
using Quad = __float128;

enum Mode { Nearest, Zero, Down, Up };
constexpr std::pair<const char *, Mode> modes[] = {{".rn", Nearest}, {".rz", Zero}, {".rm", Down}, {".rp", Up}};

inline float asFloat(uint64_t bits) { return std::bit_cast<float>(uint32_t(bits)); }
inline double asDouble(uint64_t bits) { return std::bit_cast<double>(bits); }
inline uint64_t bitsOf(float x) { return std::isnan(x) ? 0x7fffffffu : std::bit_cast<uint32_t>(x); }
inline uint64_t bitsOf(double x) { return std::isnan(x) ? 0x7fffffffffffffffu : std::bit_cast<uint64_t>(x); }

template <typename T>
T take(uint64_t bits) {
  if constexpr (sizeof(T) == 4)
    return asFloat(bits);
  else
    return asDouble(bits);
}
template <typename T>
T flushed(T x, bool flush) {
  return flush && x != 0 && std::fabs(x) < std::numeric_limits<T>::min() ? std::copysign(T(0), x) : x;
}

// A number too wide even for a Quad: value + rest, where rest is less than the last bit of value.
struct Exact {
  Quad value, rest;
};
inline Exact exactly(Quad value) { return {value, 0}; }
// The error of a sum is a number itself.
inline Exact exactSum(Quad x, Quad y) {
  Quad sum = x + y, back = sum - x;
  return {sum, (x - (sum - back)) + (y - back)};
}

// The neighbours of a value decide the directed modes.
template <typename T>
T roundTo(Exact exact, Mode mode) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  T near = T(exact.value);
  if (std::isnan(near) || (Quad(near) == exact.value && exact.rest == 0))
    return near;
  bool above = Quad(near) != exact.value ? Quad(near) > exact.value : exact.rest < 0;
  if (mode == Down && above)
    return std::nextafter(near, -infinity);
  if (mode == Up && !above)
    return std::nextafter(near, infinity);
  if (mode == Zero && above == (exact.value > 0))
    return std::nextafter(near, T(0));
  return near;
}

// Zeros and infinities by the rules of IEEE 754: an exact zero sum of opposite signs is -0 only when rounding down.
template <typename T>
T sumOf(T x, T y, Mode mode) {
  if (!std::isfinite(x) || !std::isfinite(y))
    return x + y;
  Exact exact = exactSum(x, y);
  if (exact.value == 0)
    return x == 0 && y == 0 && std::signbit(x) == std::signbit(y) ? x : mode == Down ? -T(0) : T(0);
  return roundTo<T>(exact, mode);
}
// A tiny result that rounds to zero keeps its sign.
template <typename T>
T signedLike(T value, bool negative) {
  return value == 0 ? (negative ? -T(0) : T(0)) : value;
}
template <typename T>
T productOf(T x, T y, Mode mode) {
  if (!std::isfinite(x) || !std::isfinite(y))
    return x * y;
  return signedLike(roundTo<T>(exactly(Quad(x) * Quad(y)), mode), std::signbit(x) != std::signbit(y));
}
template <typename T>
T quotientOf(T x, T y, Mode mode) {
  if (!std::isfinite(x) || !std::isfinite(y) || y == 0)
    return x / y;
  return signedLike(roundTo<T>(exactly(Quad(x) / Quad(y)), mode), std::signbit(x) != std::signbit(y));
}
template <typename T>
T fusedOf(T x, T y, T z, Mode mode) {
  if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z))
    return std::fma(x, y, z);
  Quad product = Quad(x) * Quad(y);
  Exact exact = exactSum(product, z);
  bool negativeProduct = std::signbit(x) != std::signbit(y);
  if (exact.value == 0)
    return product == 0 && z == 0 && negativeProduct == std::signbit(z) ? z : mode == Down ? -T(0) : T(0);
  return signedLike(roundTo<T>(exact, mode), exact.value < 0);
}
template <typename T>
T rootOf(T x, Mode mode) {
  if (!(x > 0) || std::isinf(x))
    return x == 0 || std::isinf(x) ? (x < 0 ? std::numeric_limits<T>::quiet_NaN() : x)
                                   : std::numeric_limits<T>::quiet_NaN();
  T low = std::sqrt(x); // then the greatest number whose square is not greater
  while (Quad(low) * Quad(low) > Quad(x))
    low = std::nextafter(low, T(0));
  T high = std::nextafter(low, std::numeric_limits<T>::infinity());
  if (Quad(low) * Quad(low) == Quad(x) || mode == Down || mode == Zero)
    return low;
  Quad middle = (Quad(low) + Quad(high)) / 2;
  return mode == Up || middle * middle < Quad(x) ? high : low;
}

inline Quad integerNear(Quad x, Mode mode) {
  Quad down = Quad(std::floor(double(x)));
  if (down == x)
    return x;
  if (mode == Nearest) {
    Quad rest = x - down;
    bool odd = std::fmod(double(down), 2) != 0;
    return rest > Quad(0.5) || (rest == Quad(0.5) && odd) ? down + 1 : down;
  }
  return mode == Up || (mode == Zero && x < 0) ? down + 1 : down;
}

// A 16-bit float of `exponent` exponent bits, nearest of all candidates: found by trying the two neighbours.
struct Narrow {
  int exponentBits;
  double value(uint16_t bits) const {
    int mantissaBits = 15 - exponentBits, bias = (1 << (exponentBits - 1)) - 1;
    int exponent = bits >> mantissaBits & ((1 << exponentBits) - 1), mantissa = bits & ((1 << mantissaBits) - 1);
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == (1 << exponentBits) - 1)
      return mantissa ? std::nan("") : sign * INFINITY;
    return sign * (exponent ? std::ldexp(1.0 + std::ldexp(mantissa, -mantissaBits), exponent - bias)
                            : std::ldexp(mantissa, 1 - bias - mantissaBits));
  }
  uint16_t largest() const { return ((1 << exponentBits) - 1) << (15 - exponentBits); } // infinity
  uint16_t round(Quad exact, bool towardZero) const {
    if (exact != exact)
      return 0x7fff;
    double sign = exact < 0 ? -1 : 1;
    Quad size = exact < 0 ? -exact : exact;
    uint16_t low = 0, high = largest(); // low: greatest not above
    while (high - low > 1) {
      uint16_t middle = (low + high) / 2;
      (Quad(value(middle)) <= size ? low : high) = middle;
    }
    if (size > Quad(std::numeric_limits<double>::max()))
      low = high;
    if (Quad(value(low)) != size && !towardZero && low != high) {
      // Past the largest number, infinity stands where the next number would be.
      Quad above = high == largest() ? 2 * Quad(value(low)) - Quad(value(low - 1)) : Quad(value(high));
      Quad middle = (Quad(value(low)) + above) / 2;
      if (size > middle || (size == middle && (low & 1)))
        low = high;
    }
    return low | (sign < 0 ? 0x8000 : 0);
  }
};
inline const Narrow bf16{8}, f16{5};

} // namespace qfa::emu

#endif // QFA_TEST_GPUEMULATOR_EXACTNUMBERS_H
