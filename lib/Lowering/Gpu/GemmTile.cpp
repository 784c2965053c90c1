// Tile shapes, and where a tile's elements lie in shared memory.
#include "GemmTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

// Shared memory of bf16: stages * (bm + bn) * bk * 2 bytes, at most 48 KiB.
static const GemmTile largeTile = {128, 128, 32, 2, 2, 3}, smallTile = {64, 64, 32, 2, 2, 4};
static const GemmTile f32Tile = {64, 64, 32, 2, 2, 2};

const GemmTile &qfa::chooseTile(Precision precision, GemmSize size) {
  if (precision == Precision::f32)
    return f32Tile;
  // Large tiles read less memory per product; small ones fill more of the card when there are few.
  constexpr int64_t multiprocessors = 108;
  return ceilDiv(size.m, 128) * ceilDiv(size.n, 128) >= multiprocessors ? largeTile : smallTile;
}

TileLayout::TileLayout(Panel panel, int64_t extent, int64_t bk, int64_t elementBytes)
    : perChunk(16 / elementBytes), stride(panel.columns) {
  rows = panel.transposed ? bk : extent;
  chunks = (panel.transposed ? extent : bk) / perChunk;
  step = panel.transposed ? bk * stride : bk;
}

Value TileLayout::at(GpuBuilder &b, Value row, Value chunk) const {
  // 8 chunks fill all banks; with 4 of them two rows do.
  Value key = chunks >= 8 ? b.bitAnd(row, 7) : b.bitAnd(b.shiftRight(row, 1), 3);
  Value exchanged = arith::XOrIOp::create(b, chunk, key);
  return b.mul(b.add(b.mul(row, chunks), exchanged), 16);
}

Value TileLayout::firstSource(GpuBuilder &b) const {
  Value row = b.div(b.thread(), chunks), chunk = b.rem(b.thread(), chunks);
  return b.add(b.mul(row, stride), b.mul(chunk, perChunk));
}

Value TileLayout::firstTarget(GpuBuilder &b) const {
  return at(b, b.div(b.thread(), chunks), b.rem(b.thread(), chunks));
}

void TileLayout::copy(GpuBuilder &b, Value source, Value target) const {
  int64_t rowsAtOnce = b.threads / chunks; // a multiple of 8: the exchange of chunks stays the same
  Type element = perChunk == 8 ? Type(b.getBF16Type()) : b.f32();
  for (int64_t row = 0; row < rows; row += rowsAtOnce)
    NVVM::CpAsyncOp::create(b, b.at(target, row * chunks * 16, b.getI8Type()), b.at(source, row * stride, element), 16,
                            NVVM::LoadCacheModifierKind::CG, /*cpSize=*/Value());
}
