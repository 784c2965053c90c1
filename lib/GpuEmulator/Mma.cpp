// Fragment layouts of the PTX ISA for m16n8k*: lane 4g + t holds elements around row g and column t of its registers.
#include "qfa/GpuEmulator/Mma.h"

#include <type_traits>
#include <utility>

using namespace qfa::emu;

namespace {

constexpr int rows = 16, columns = 8, maxInner = 32;

float fromTf32(uint32_t bits) {
  bits &= 0xffffe000u; // the hardware ignores the low 13 bits of the mantissa
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float element(MmaElement kind, uint32_t word, int index) {
  switch (kind) {
  case MmaElement::Bf16:
    return fromBf16(word >> 16 * index);
  case MmaElement::F16:
  case MmaElement::F16F16:
    return fromF16(word >> 16 * index);
  case MmaElement::Tf32:
    return fromTf32(word);
  case MmaElement::S8:
    return int8_t(word >> 8 * index);
  case MmaElement::U8:
    return uint8_t(word >> 8 * index);
  }
  return 0;
}

int elementsPerWord(MmaElement kind) {
  switch (kind) {
  case MmaElement::Tf32:
    return 1;
  case MmaElement::S8:
  case MmaElement::U8:
    return 4;
  default:
    return 2;
  }
}

// Accumulator register r of a lane holds C[g + 8 (r / 2)][2 t + r % 2].
template <typename Function>
void forEachAccumulator(const Lane *lanes, Function &&function) {
  for (int lane = 0; lane < int(warpLanes); ++lane)
    for (int r = 0; r < 4; ++r)
      function(lanes[lane], r, lane / 4 + 8 * (r / 2), lane % 4 * 2 + r % 2);
}

// Sum: int64_t for integers, double for the rest, in which products of the narrow types are exact.
template <typename Sum>
void multiply(const Site &site, const Lane *lanes) {
  const MmaElement kind = MmaElement(site.mode);
  const int inner = site.count, perWord = elementsPerWord(kind);
  const int wordsA = rows * inner / 32 / perWord, wordsB = columns * inner / 32 / perWord;
  const bool half = kind == MmaElement::F16F16;
  using Register = std::conditional_t<std::is_integral_v<Sum>, int32_t, float>;
  Sum a[rows][maxInner], b[maxInner][columns], d[rows][columns];
  for (int lane = 0; lane < int(warpLanes); ++lane) {
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < wordsA; ++r)
      for (int e = 0; e < perWord; ++e)
        a[g + 8 * (r % 2)][t * perWord + e + r / 2 * 4 * perWord] =
            element(kind, operand<uint32_t>(lanes[lane].in, r), e);
    for (int r = 0; r < wordsB; ++r)
      for (int e = 0; e < perWord; ++e)
        b[t * perWord + e + r * 4 * perWord][g] = element(kind, operand<uint32_t>(lanes[lane].in, wordsA + r), e);
  }
  forEachAccumulator(lanes, [&](const Lane &lane, int r, int row, int column) {
    d[row][column] = half ? Sum(fromF16(operand<uint32_t>(lane.in, wordsA + wordsB + r / 2) >> 16 * (r % 2)))
                          : Sum(operand<Register>(lane.in, wordsA + wordsB + r));
  });
  for (int row = 0; row < rows; ++row)
    for (int k = 0; k < inner; ++k)
      for (int column = 0; column < columns; ++column)
        d[row][column] += a[row][k] * b[k][column];
  forEachAccumulator(lanes, [&](const Lane &lane, int r, int row, int column) {
    auto *out = static_cast<char *>(lane.out);
    if (half)
      giveResult(out + 2 * r, _Float16(d[row][column]));
    else
      giveResult(out + 4 * r, Register(d[row][column])); // integers wrap
  });
}

} // namespace

float qfa::emu::fromBf16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

float qfa::emu::fromF16(uint16_t bits) {
  _Float16 value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void qfa::emu::multiplyFragments(const Site &site, const Lane *lanes) {
  bool integers = MmaElement(site.mode) == MmaElement::S8 || MmaElement(site.mode) == MmaElement::U8;
  integers ? multiply<int64_t>(site, lanes) : multiply<double>(site, lanes);
}

void qfa::emu::moveMatrices(const Site &site, const Lane *lanes) {
  const bool store = site.kind == OpKind::StoreMatrix, transposed = site.mode;
  for (int lane = 0; lane < int(warpLanes); ++lane)
    for (int matrix = 0; matrix < site.count; ++matrix)
      for (int e = 0; e < 2; ++e) {
        // Register `matrix` of the lane holds elements (g, 2t) and (g, 2t + 1), or their mirror images.
        int row = lane / 4, column = lane % 4 * 2 + e;
        if (transposed)
          std::swap(row, column);
        auto *at = reinterpret_cast<char *>(operand<uint64_t>(lanes[matrix * 8 + row].in, 0)) + 2 * column;
        if (store)
          giveResult(at, uint16_t(operand<uint32_t>(lanes[lane].in, 1 + matrix) >> 16 * e));
        else
          std::memcpy(static_cast<char *>(lanes[lane].out) + 4 * matrix + 2 * e, at, 2);
      }
}
