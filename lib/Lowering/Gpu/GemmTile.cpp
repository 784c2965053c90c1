// Tile shapes, and where a tile's elements lie in shared memory.
#include "GemmTile.h"

#include "qfa/Lowering/Passes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

namespace {
struct TileRow {
  int arch; // the first that it serves
  Precision precision;
  int64_t leastBlocks; // multiprocessors of the A100 or the H100; 0: any number will do
  GemmTile tile;
};
} // namespace

// Newest architecture first, then largest tile: the first row that serves a product is taken. Large tiles read less
// memory per product, small ones fill more of the card when blocks are few.
static constexpr TileRow tileRows[] = {
    // arch, precision, least blocks, {bm, bn, bk, warpsM, warpsN, stages}; shared memory of a block
    {90, Precision::bf16, 132, {256, 128, 64, 4, 2, 3}}, // 144 KiB
    {80, Precision::bf16, 108, {256, 128, 64, 4, 2, 2}}, // 96 KiB
    {80, Precision::bf16, 108, {128, 128, 32, 2, 2, 3}}, // 48 KiB, two blocks a multiprocessor
    {80, Precision::bf16, 0, {64, 64, 64, 2, 2, 3}},     // 48 KiB
    {80, Precision::f32, 0, {64, 64, 32, 2, 2, 2}},      // 32 KiB
};

static bool serves(const TileRow &row, int arch, Precision precision) {
  return row.arch <= arch && row.precision == precision && row.tile.sharedBytes(precision) <= dynamicLimit(arch);
}

int qfa::gpuTileArch(int arch, StringRef precision) {
  for (const TileRow &row : tileRows)
    if (serves(row, arch, precisionOf(precision)))
      return row.arch;
  return 0;
}

const GemmTile &qfa::chooseTile(Card card, Precision precision, GemmSize size) {
  for (const TileRow &row : tileRows) {
    int64_t leastBlocks = card.multiprocessors && row.leastBlocks ? card.multiprocessors : row.leastBlocks;
    int64_t blocks = ceilDiv(size.m, row.tile.bm) * ceilDiv(size.n, row.tile.bn);
    bool fits = roundUp(size.m, kPanelAlign) % row.tile.bm == 0 && roundUp(size.n, kPanelAlign) % row.tile.bn == 0;
    if (serves(row, card.arch, precision) && fits && blocks >= leastBlocks)
      return row.tile;
  }
  llvm_unreachable("the last tile of a precision serves all products");
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
