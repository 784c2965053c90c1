// Layouts of the PTX ISA, "asynchronous warpgroup level matrix shared memory layout": core matrices of 8 rows of 16
// bytes. Without a swizzle each lies by itself; with one, so many of them lie beside each other as make 32, 64 or 128
// bytes a row, and the 16-byte parts of a row are exchanged by an exclusive or with the row's number.
#include "qfa/GpuEmulator/Warpgroup.h"

#include "qfa/GpuEmulator/Mma.h"

#include <vector>

using namespace qfa::emu;

static constexpr uint32_t coreRows = 8, partBytes = 16, elementsOfPart = 8, elementBytes = 2, warpRows = 16;

MatrixDescriptor qfa::emu::decodeDescriptor(uint64_t bits) {
  auto field = [&](unsigned from, unsigned count) { return uint32_t(bits >> from & ((uint64_t(1) << count) - 1)); };
  uint32_t mode = field(62, 2);
  return {field(0, 14) * 16, field(16, 14) * 16, field(32, 14) * 16, field(49, 3), mode ? 256u >> mode : partBytes};
}

uint32_t qfa::emu::placeOf(const MatrixDescriptor &matrix, bool transposed, uint32_t row, uint32_t k) {
  const uint32_t width = matrix.swizzleBytes, parts = width / partBytes;
  uint32_t at = matrix.start;
  if (!transposed) {
    at += row / coreRows * matrix.stride + row % coreRows * width;
    at += k / elementsOfPart * (parts == 1 ? matrix.leading : partBytes);
  } else {
    uint32_t part = row / elementsOfPart;
    at += k % coreRows * width + part % parts * partBytes;
    at += part / parts * (parts == 1 ? matrix.stride : matrix.leading);
    at += k / coreRows * (parts == 1 ? matrix.leading : matrix.stride);
  }
  at += (transposed ? row : k) % elementsOfPart * elementBytes;
  uint32_t exchanged = at >> 7 & (parts - 1); // bits 7 and up number the rows of 128 bytes
  return at ^ exchanged << 4;
}

WarpgroupOperands WarpgroupOperands::read(const Site &site, const void *in) {
  int first = int(columnsOf(site)) / 2;
  auto number = [&](int index) { return operand<int32_t>(in, first + index); };
  return {operand<uint64_t>(in, first),
          operand<uint64_t>(in, first + 1),
          number(2),
          number(3),
          number(4),
          number(5) != 0,
          number(6) != 0};
}

// [rows, 16] of floats, from row `first` on.
static std::vector<float> readMatrix(const std::byte *shared, uint64_t descriptor, bool transposed, uint32_t first,
                                     uint32_t rows) {
  const MatrixDescriptor matrix = decodeDescriptor(descriptor);
  std::vector<float> values(rows * warpgroupInner);
  for (uint32_t row = 0; row < rows; ++row)
    for (uint32_t k = 0; k < warpgroupInner; ++k) {
      uint16_t bits;
      std::memcpy(&bits, shared + placeOf(matrix, transposed, first + row, k), sizeof bits);
      values[row * warpgroupInner + k] = fromBf16(bits);
    }
  return values;
}

void qfa::emu::multiplyRows(const Site &site, const Lane *lanes, uint32_t warp, const std::byte *shared) {
  const WarpgroupOperands given = WarpgroupOperands::read(site, lanes[0].in);
  const uint32_t columns = columnsOf(site);
  std::vector<float> a = readMatrix(shared, given.a, given.transposedA, warp % warpgroupWarps * warpRows, warpRows),
                     b = readMatrix(shared, given.b, given.transposedB, 0, columns);
  const double sign = given.signA * given.signB;
  for (uint32_t lane = 0; lane < warpLanes; ++lane)
    for (uint32_t r = 0; r < columns / 2; ++r) {
      uint32_t row = lane / 4 + r / 2 % 2 * 8, column = r / 4 * 8 + lane % 4 * 2 + r % 2;
      double sum = given.keep ? operand<float>(lanes[lane].in, int(r)) : 0;
      for (uint32_t k = 0; k < warpgroupInner; ++k)
        sum += sign * a[row * warpgroupInner + k] * b[column * warpgroupInner + k];
      giveResult(static_cast<char *>(lanes[lane].out) + 4 * r, float(sum));
    }
}
