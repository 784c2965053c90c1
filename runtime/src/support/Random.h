// Random numbers as a pure function of what they are for: no state to save, no order to keep.
#ifndef QFA_RUNTIME_SUPPORT_RANDOM_H
#define QFA_RUNTIME_SUPPORT_RANDOM_H

#include <cstdint>
#include <string_view>

namespace qfa::rt {

/// splitmix64's finalizer: every input bit changes about half of the output bits.
constexpr uint64_t mixBits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The key of a stream of numbers: a seed and what the numbers are for.
constexpr uint64_t streamKey(uint64_t seed, std::string_view purpose) {
  uint64_t key = mixBits(seed + 0x9e3779b97f4a7c15u);
  for (char c : purpose)
    key = mixBits((key ^ static_cast<unsigned char>(c)) + 0x9e3779b97f4a7c15u);
  return key;
}

/// 64 random bits: number `index` of step `step` of a stream.
constexpr uint64_t randomBits(uint64_t key, uint64_t step, uint64_t index) {
  return mixBits(mixBits(key + step * 0x9e3779b97f4a7c15u) + (index + 1) * 0xd1342543de82ef95u);
}

/// The same as a number in [0, 1).
constexpr double randomUniform(uint64_t key, uint64_t step, uint64_t index) {
  return static_cast<double>(randomBits(key, step, index) >> 11) * 0x1p-53;
}

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_RANDOM_H
