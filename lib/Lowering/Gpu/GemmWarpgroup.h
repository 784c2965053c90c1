// Products of Hopper's warpgroups: wgmma.mma_async, four warps multiply 64 rows, factors straight from shared memory.
#ifndef QFA_LIB_LOWERING_GPU_GEMMWARPGROUP_H
#define QFA_LIB_LOWERING_GPU_GEMMWARPGROUP_H

#include "GemmTile.h"

namespace qfa {

constexpr int64_t kSwizzleBytes = 1024; // 8 rows of 128 bytes: tiles of factors begin at a multiple

// Of a block whose warps lie below each other, 16 rows and all columns of the tile each.
class WarpgroupProducts {
public:
  WarpgroupProducts(GpuBuilder &b, const GemmTile &tile, const TileLayout &layoutA, const TileLayout &layoutB,
                    bool transposedA, bool transposedB, mlir::Value shared);

  // What this thread copied to shared memory and has waited for is there for products, once all threads did this and
  // met.
  void fenceCopies();
  // The products of the tiles in a stage (byte offset) begin; sums are theirs until they have been waited for.
  void start(mlir::Value stage, Values &sums);
  // Until only the latest start goes on.
  void waitForOthers();
  // Until none does: the sums may be read.
  void finish(Values &sums);

private:
  mlir::Value describe(const TileLayout &layout, bool transposed, mlir::Value start);

  GpuBuilder &b;
  const GemmTile &tile;
  bool transposedA, transposedB;
  mlir::Value matrixA, matrixB; // i64: descriptors of the first stage's, of the first 16 of k
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GEMMWARPGROUP_H
