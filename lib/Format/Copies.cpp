// Packing, quantization and dequantization of copies. The inner loops run over inputs of one row, side by side in
// memory, so that they become vector code on any machine.
#include "qfa/Format/Copies.h"

#include "qfa/Format/Numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

using namespace qfa::format;

// Inputs handled at a time; keeps the words under construction in the first-level cache.
static constexpr int64_t chunk = 256;

bool qfa::format::allFinite(const float *values, int64_t count) {
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i)
    bad |= (std::bit_cast<uint32_t>(values[i]) & 0x7f800000) == 0x7f800000;
  return !bad;
}

// Adds the codes of row i (of 32) to words under construction, planes[j][k] = word j of input k.
template <int bits, typename Codes>
static void addRow(uint32_t (*planes)[chunk], int i, int64_t count, Codes codeOf) {
  constexpr int low = bits == 3 ? 2 : bits; // bits per code in a word
  uint32_t *plane = planes[i * low / 32];
  int shift = i * low % 32;
  for (int64_t k = 0; k < count; ++k) {
    uint32_t code = codeOf(k);
    if constexpr (bits == 3) {
      plane[k] |= (code & 3) << shift;
      planes[2][k] |= code >> 2 << i;
    } else {
      plane[k] |= code << shift;
    }
  }
}

template <int bits>
static void storePlanes(const uint32_t (*planes)[chunk], int64_t count, uint32_t *words) {
  for (int64_t k = 0; k < count; ++k)
    for (int j = 0; j < bits; ++j)
      words[k * bits + j] = planes[j][k];
}

// Calls work(constant bits) with the shape's bit width as a compile-time constant.
template <typename Work>
static void withBits(int bits, Work work) {
  switch (bits) {
  case 2:
    return work(std::integral_constant<int, 2>());
  case 3:
    return work(std::integral_constant<int, 3>());
  case 4:
    return work(std::integral_constant<int, 4>());
  case 8:
    return work(std::integral_constant<int, 8>());
  }
}

void qfa::format::packCodes(const CopyShape &shape, int64_t first, int64_t last, const uint8_t *codes,
                            uint32_t *words) {
  withBits(shape.bits, [&](auto bits) {
    for (int64_t block = first; block < last; ++block)
      for (int64_t k = 0; k < shape.in; k += chunk) {
        int64_t count = std::min(chunk, shape.in - k), rows = std::min(rowsPerBlock, shape.out - block * rowsPerBlock);
        uint32_t planes[bits][chunk] = {};
        for (int64_t i = 0; i < rows; ++i) {
          const uint8_t *row = codes + (block * rowsPerBlock + i) * shape.in + k;
          addRow<bits>(planes, i, count, [&](int64_t at) { return static_cast<uint32_t>(row[at]); });
        }
        storePlanes<bits>(planes, count, words + (block * shape.in + k) * bits);
      }
  });
}

void qfa::format::unpackRow(const CopyShape &shape, const uint32_t *words, int64_t row, uint8_t *codes) {
  int i = row % rowsPerBlock;
  withBits(shape.bits, [&](auto bits) {
    constexpr int low = bits == 3 ? 2 : bits;
    const uint32_t *block = words + row / rowsPerBlock * shape.in * bits, *word = block + i * low / 32;
    int shift = i * low % 32;
    for (int64_t k = 0; k < shape.in; ++k) {
      uint32_t code = word[k * bits] >> shift & ((1u << low) - 1);
      if constexpr (bits == 3)
        code |= (block[k * bits + 2] >> i & 1) << 2;
      codes[k] = static_cast<uint8_t>(code);
    }
  });
}

// Smallest and largest of a group and 0, in 8 lanes that need no reordering of comparisons to become vectors.
static void extremes(const float *values, int64_t count, float &smallest, float &largest) {
  constexpr int lanes = 8;
  float low[lanes], high[lanes];
  std::fill_n(low, lanes, 0.0f);
  std::fill_n(high, lanes, 0.0f);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) {
      float value = values[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  for (; i < count; ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  smallest = *std::min_element(low, low + lanes);
  largest = *std::max_element(high, high + lanes);
}

// (max - min) / steps as a half, but never infinite; the halves keep the range from overflowing.
static float groupScale(float smallest, float largest, float steps) {
  float scale = (largest * 0.5f - smallest * 0.5f) / steps * 2;
  return std::min(halfToFloat(floatToHalf(scale)), 65504.0f);
}

void qfa::format::roundToNearest(const float *weight, const CopyShape &shape, int64_t first, int64_t last,
                                 uint32_t *words, float *scales, float *zeros) {
  int64_t groups = shape.groups();
  std::fill(scales + first * groups * rowsPerBlock, scales + last * groups * rowsPerBlock, 0.0f);
  std::fill(zeros + first * groups * rowsPerBlock, zeros + last * groups * rowsPerBlock, 0.0f);
  withBits(shape.bits, [&](auto bits) {
    constexpr int steps = (1 << bits) - 1;
    for (int64_t block = first; block < last; ++block)
      for (int64_t j = 0; j < groups; ++j) {
        int64_t rows = std::min(rowsPerBlock, shape.out - block * rowsPerBlock);
        float *scale = scales + scaleIndex(block * rowsPerBlock, j, groups);
        float *zero = zeros + scaleIndex(block * rowsPerBlock, j, groups);
        for (int64_t i = 0; i < rows; ++i) {
          float smallest, largest;
          extremes(weight + (block * rowsPerBlock + i) * shape.in + j * shape.group, shape.group, smallest, largest);
          scale[i] = groupScale(smallest, largest, steps);
          // A whole number of steps below 0, so that a weight of 0 stays 0.
          zero[i] = scale[i] == 0 ? 0.0f : -std::min<float>(std::nearbyint(-smallest / scale[i]), steps) * scale[i];
        }
        for (int64_t k = 0; k < shape.group; k += chunk) {
          int64_t count = std::min(chunk, shape.group - k);
          uint32_t planes[bits][chunk] = {};
          for (int64_t i = 0; i < rows; ++i) {
            if (scale[i] == 0)
              continue;
            const float *row = weight + (block * rowsPerBlock + i) * shape.in + j * shape.group + k;
            float offset = zero[i], unit = scale[i];
            addRow<bits>(planes, i, count, [=](int64_t at) {
              float code = (row[at] - offset) / unit;
              code = code < steps ? code : steps;
              code = code > 0 ? code : 0;
              // Between 2^23 and 2^24 a float's spacing is 1: the sum rounds, and its low bits are the integer.
              return std::bit_cast<uint32_t>(code + 0x1p23f) - std::bit_cast<uint32_t>(0x1p23f);
            });
          }
          storePlanes<bits>(planes, count, words + (block * shape.in + j * shape.group + k) * bits);
        }
      }
  });
}

template <typename Scale, typename ToFloat>
static void dequantize(const CopyShape &shape, const uint32_t *words, const Scale *scales, const Scale *zeros,
                       int64_t row, float *weight, ToFloat toFloat) {
  std::vector<uint8_t> codes(shape.in);
  unpackRow(shape, words, row, codes.data());
  for (int64_t j = 0; j < shape.groups(); ++j) {
    int64_t at = scaleIndex(row, j, shape.groups());
    float scale = toFloat(scales[at]), zero = toFloat(zeros[at]);
    for (int64_t k = j * shape.group; k < (j + 1) * shape.group; ++k)
      weight[k] = scale * static_cast<float>(codes[k]) + zero;
  }
}

void qfa::format::dequantizeRow(const CopyShape &shape, const uint32_t *words, const float *scales, const float *zeros,
                                int64_t row, float *weight) {
  dequantize(shape, words, scales, zeros, row, weight, [](float value) { return value; });
}

void qfa::format::dequantizeRow(const CopyShape &shape, const uint32_t *words, const uint16_t *scales,
                                const uint16_t *zeros, int64_t row, float *weight) {
  dequantize(shape, words, scales, zeros, row, weight, halfToFloat);
}

void qfa::format::mergeAdapter(const CopyShape &shape, int64_t first, int64_t last, int64_t rank, float strength,
                               const float *a, const float *b, float *zeros) {
  int64_t groups = shape.groups();
  std::vector<double> product(groups); // the sum in double: the merged subnet differs by one rounding only
  for (int64_t row = first * rowsPerBlock; row < std::min(last * rowsPerBlock, shape.out); ++row) {
    std::fill(product.begin(), product.end(), 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t j = 0; j < groups; ++j)
        product[j] += static_cast<double>(b[row * rank + r]) * a[r * groups + j];
    for (int64_t j = 0; j < groups; ++j) {
      float &zero = zeros[scaleIndex(row, j, groups)];
      zero = static_cast<float>(zero + strength * product[j]);
    }
  }
}
