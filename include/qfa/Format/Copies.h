// The packed copies of a linear layer's weight, and adapters merged into them.
//
// A copy of W [out, in] at b bits with groups of g inputs:
//   w[n, k] = scale[n, k / g] * code[n, k] + zero[n, k / g],   code in 0 .. 2^b - 1, zero a real number in units of w.
// Rows come in blocks of 32. A missing row of the last block has code 0, scale 0, zero 0.
//   codes  u32 [blocks][in][b]: the words of (block, k) hold one code of each of the block's rows i = 0 .. 31
//     b = 2  word j (0..1): rows 16 j .. 16 j + 15, 2 bits each, the lowest row lowest
//     b = 4  word j (0..3): rows  8 j ..  8 j +  7, 4 bits each
//     b = 8  word j (0..7): rows  4 j ..  4 j +  3, 8 bits each
//     b = 3  words 0..1 as for b = 2 with the codes' low two bits; word 2: bit i is the third bit of row i
//   scales, zeros [blocks][in / g][32]
// Example: row 33 of W [40, 64] at 3 bits lies in block 1; its code of input 5 has its low bits in bits 2..3 of word
// ((1 * 64) + 5) * 3 and its high bit in bit 1 of the word two further.
//
// Functions work on rows of blocks first .. last - 1 of whole tensors, so that callers may divide the blocks among
// threads.
#ifndef QFA_FORMAT_COPIES_H
#define QFA_FORMAT_COPIES_H

#include <cstddef>
#include <cstdint>

namespace qfa::format {

constexpr int64_t rowsPerBlock = 32;

constexpr bool isBitWidth(int64_t bits) { return bits == 2 || bits == 3 || bits == 4 || bits == 8; }
constexpr int64_t rowBlocks(int64_t out) { return (out + rowsPerBlock - 1) / rowsPerBlock; }
constexpr int64_t codesWords(int64_t out, int64_t in, int bits) { return rowBlocks(out) * in * bits; }
constexpr int64_t scaleCount(int64_t out, int64_t in, int64_t group) {
  return rowBlocks(out) * (in / group) * rowsPerBlock;
}
// Where the scale and the zero of a row and a group stand.
constexpr int64_t scaleIndex(int64_t row, int64_t groupIndex, int64_t groups) {
  return (row / rowsPerBlock * groups + groupIndex) * rowsPerBlock + row % rowsPerBlock;
}

struct CopyShape {
  int64_t out, in, group;
  int bits;
  int64_t groups() const { return in / group; }
  int64_t blocks() const { return rowBlocks(out); }
};

// True when all numbers are finite; quantizing others is meaningless, callers refuse them by name.
bool allFinite(const float *values, int64_t count);

// codes [out, in], one byte each, to and from words.
void packCodes(const CopyShape &shape, int64_t first, int64_t last, const uint8_t *codes, uint32_t *words);
void unpackRow(const CopyShape &shape, const uint32_t *words, int64_t row, uint8_t *codes);

// Each group with 0 between its smallest and largest weight: scale = (max - min) / (2^b - 1) rounded to half precision,
// zero = -round(-min / scale) * scale, code = (w - zero) / scale to nearest, ties to even. So 0 is represented exactly,
// which at 3 bits halves the perplexity of a language model against zero = min. A group of zeros has scale 0 and zero
// 0.
void roundToNearest(const float *weight, const CopyShape &shape, int64_t first, int64_t last, uint32_t *words,
                    float *scales, float *zeros);

// weight [in] of one row; scales and zeros as floats or as halves.
void dequantizeRow(const CopyShape &shape, const uint32_t *words, const float *scales, const float *zeros, int64_t row,
                   float *weight);
void dequantizeRow(const CopyShape &shape, const uint32_t *words, const uint16_t *scales, const uint16_t *zeros,
                   int64_t row, float *weight);

// zero[n, j] += strength * (B A)[n, j] for a [rank, groups], b [out, rank]: the adapter on pooled inputs, folded away
// exactly.
void mergeAdapter(const CopyShape &shape, int64_t first, int64_t last, int64_t rank, float strength, const float *a,
                  const float *b, float *zeros);

} // namespace qfa::format

#endif // QFA_FORMAT_COPIES_H
