// Tile shapes, and where a tile's elements lie in shared memory.
#include "GemmTile.h"

#include "qfa/Lowering/Passes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

namespace {
struct TileRow {
  GpuArch arch; // the first that it serves; with a feature, it alone
  Precision precision;
  int64_t leastBlocks; // multiprocessors of the A100 or the H100; 0: any number will do
  GemmTile tile;
};
} // namespace

static constexpr GpuArch hopper = {90, 'a'};

// Newest architecture first, then largest tile: the first row that serves a product is taken. Large tiles read less
// memory per product, small ones fill more of the card when blocks are few.
static constexpr TileRow tileRows[] = {
    // arch, precision, least blocks, {bm, bn, bk, warpsM, warpsN, stages}; shared memory of a block
    {hopper, Precision::bf16, 132, {128, 256, 64, 8, 1, 4, true}}, // 192 KiB
    {hopper, Precision::bf16, 132, {128, 128, 64, 8, 1, 5, true}}, // 160 KiB
    {{90}, Precision::bf16, 132, {256, 128, 64, 4, 2, 3}},         // 144 KiB
    {{80}, Precision::bf16, 108, {256, 128, 64, 4, 2, 2}},         // 96 KiB
    {{80}, Precision::bf16, 108, {128, 128, 32, 2, 2, 3}},         // 48 KiB, two blocks a multiprocessor
    {{80}, Precision::bf16, 0, {64, 64, 64, 2, 2, 3}},             // 48 KiB
    {{80}, Precision::f32, 0, {64, 64, 32, 2, 2, 2}},              // 32 KiB
};

static bool serves(const TileRow &row, GpuArch arch, Precision precision) {
  bool runs = row.arch.feature ? row.arch == arch : row.arch.number <= arch.number;
  return runs && row.precision == precision && row.tile.sharedBytes(precision) <= dynamicLimit(arch.number);
}

GpuArch qfa::gpuTileArch(GpuArch arch, StringRef precision) {
  for (const TileRow &row : tileRows)
    if (serves(row, arch, precisionOf(precision)))
      return row.arch;
  llvm_unreachable("the last tile of a precision serves all architectures");
}

// The wide tile of warpgroups may have some columns of padding.
int64_t qfa::panelAlign(Card card) { return card.arch == hopper ? 256 : kPanelAlign; }

static bool fits(const GemmTile &tile, Card card, GemmSize size) {
  bool divides = roundUp(size.m, panelAlign(card)) % tile.bm == 0 && roundUp(size.n, panelAlign(card)) % tile.bn == 0;
  return divides && (tile.bn <= kPanelAlign || roundUp(size.n, tile.bn) - size.n <= size.n / 8);
}

const GemmTile &qfa::chooseTile(Card card, Precision precision, GemmSize size) {
  for (const TileRow &row : tileRows) {
    int64_t leastBlocks = card.multiprocessors && row.leastBlocks ? card.multiprocessors : row.leastBlocks;
    int64_t blocks = ceilDiv(size.m, row.tile.bm) * ceilDiv(size.n, row.tile.bn);
    if (serves(row, card.arch, precision) && fits(row.tile, card, size) && blocks >= leastBlocks)
      return row.tile;
  }
  llvm_unreachable("the last tile of a precision serves all products");
}

TileLayout::TileLayout(Panel panel, int64_t extent, const GemmTile &tile, int64_t elementBytes)
    : perChunk(16 / elementBytes), stride(panel.columns) {
  rows = panel.transposed ? tile.bk : extent;
  chunks = (panel.transposed ? extent : tile.bk) / perChunk;
  together = tile.isAsync ? 8 : chunks;
  step = panel.transposed ? tile.bk * stride : tile.bk;
}

Value TileLayout::at(GpuBuilder &b, Value row, Value chunk) const {
  // 8 chunks fill all banks; with 4 of them two rows do.
  Value key = chunks >= 8 ? b.bitAnd(row, 7) : b.bitAnd(b.shiftRight(row, 1), 3);
  if (together < chunks) {
    row = b.add(row, b.mul(b.div(chunk, together), rows));
    chunk = b.rem(chunk, together);
  }
  Value exchanged = arith::XOrIOp::create(b, chunk, key);
  return b.mul(b.add(b.mul(row, together), exchanged), 16);
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
    NVVM::CpAsyncOp::create(b, b.at(target, row * together * 16, b.getI8Type()), b.at(source, row * stride, element),
                            16, NVVM::LoadCacheModifierKind::CG, /*cpSize=*/Value());
}
