// How a product is cut: a block of threads computes bm x bn of the result, bk of the inner size at a time.
#ifndef QFA_LIB_LOWERING_GPU_GEMMTILE_H
#define QFA_LIB_LOWERING_GPU_GEMMTILE_H

#include "Gemm.h"

namespace qfa {

struct GemmTile {
  int64_t bm, bn, bk;
  int64_t warpsM, warpsN; // of a block
  int64_t stages;         // tiles of factors in shared memory
  bool isAsync = false;   // products are wgmma, of four warps each, and go on while the next tiles' begin

  int64_t ahead() const { return isAsync ? stages - 2 : stages - 1; } // tiles in flight to shared memory
  int64_t threads() const { return warpsM * warpsN * kWarp; }
  int64_t sharedBytes(Precision precision) const { // of a block
    return stages * (bm + bn) * bk * factorBytes(precision);
  }
  int64_t warpM() const { return bm / warpsM; } // result rows of a warp
  int64_t warpN() const { return bn / warpsN; }
};

const GemmTile &chooseTile(Card card, Precision precision, GemmSize size);

// The part of a factor that a stage holds: rows of `chunks` times 16 bytes, the chunks of a row exchanged by an
// exclusive or with the row's number, so that eight rows of one column of chunks lie in different banks. Asynchronous
// products want at most 128 bytes of a row together, all rows of them before the next 128.
class TileLayout {
public:
  // extent: bm or bn
  TileLayout(Panel panel, int64_t extent, const GemmTile &tile, int64_t elementBytes);

  int64_t bytes() const { return rows * chunks * 16; }
  // Byte offset of a chunk of 16 bytes. Adding a multiple of 16 to the row adds as many rows of bytes.
  mlir::Value at(GpuBuilder &b, mlir::Value row, mlir::Value chunk) const;

  // Asynchronous copies of a tile by all threads. A thread starts at firstSource of the panel and at firstTarget of the
  // stage.
  mlir::Value firstSource(GpuBuilder &b) const; // in elements from the first of the tile
  mlir::Value firstTarget(GpuBuilder &b) const; // byte offset in a stage
  void copy(GpuBuilder &b, mlir::Value source, mlir::Value target) const;

  int64_t rows, chunks, perChunk; // perChunk: elements of 16 bytes
  int64_t together;               // chunks of a row that lie side by side
  int64_t stride;                 // of the panel, elements
  int64_t step;                   // elements of the panel between this tile and that of the next bk
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GEMMTILE_H
