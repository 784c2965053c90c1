// Half and bfloat16 numbers as their bits: conversion to and from float, rounded to nearest, ties to even.
#ifndef QFA_FORMAT_NUMBERS_H
#define QFA_FORMAT_NUMBERS_H

#include <bit>
#include <cstdint>

namespace qfa::format {

inline float bfloatToFloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t floatToBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) // a NaN stays one: rounding could carry it to infinity
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Without branches, so that loops over it become vector code.
inline float halfToFloat(uint16_t bits) {
  uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13, sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  // The multiplication by 2^112 mends the exponent's bias, of subnormal numbers too.
  uint32_t value = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  uint32_t special = magnitude >= 0x0f800000 ? 0x7f800000u : 0u; // infinity or NaN
  return std::bit_cast<float>(value | special | sign);
}

inline uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  uint32_t half;
  if (magnitude > 0x7f800000)
    half = 0x7e00; // NaN
  else if (magnitude >= 0x477ff000)
    half = 0x7c00;                 // rounds to 65536 or more
  else if (magnitude < 0x38800000) // below 2^-14: the float adder rounds to a multiple of 2^-24
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  else
    half = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
  return static_cast<uint16_t>(half | sign);
}

} // namespace qfa::format

#endif // QFA_FORMAT_NUMBERS_H
