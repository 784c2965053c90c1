// What the attention kernels have in common: products of rows of heads.
//
// A block of threads owns `rows` rows (queries, or keys), a warp 16 of them, and walks over `columns` rows of the other
// kind at a time. Scores of a warp, [16, columns], stay in registers as the tensor core leaves them (PTX ISA, fragments
// of mma.m16n8k16), in precision f32 as well: lane l has rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next, of
// every 16 x 8 part. These are also the places of the first factor of the product that follows, so that probabilities
// never leave the registers.
#ifndef QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H
#define QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H

#include "../Common/AttentionHeads.h"
#include "AttentionRows.h"

#include <optional>

namespace qfa {

struct AttentionShape : AttentionHeads {
  int64_t batch, sequence; // of the queries

  template <typename AttentionLike>
  explicit AttentionShape(AttentionLike op)
      : AttentionHeads(op), batch(op.getQ().getType().getDimSize(0)), sequence(op.getQ().getType().getDimSize(1)) {}

  // Where row 0 of a head lies in [batch, sequence, heads, width]; batchHead: batch * heads + head.
  mlir::Value rowOf(GpuBuilder &b, mlir::Value batchHead, int64_t heads) const;

  // A score is unit() times what scaleScore makes of the product. unit() is positive.
  double unit() const { return softcap ? softcap : scale > 0 ? scale : 1; }
};

// How a block cuts the scores.
struct AttentionCut {
  int64_t warps, columns;
  int64_t stages = 1; // of the walked tiles
  int64_t rows() const { return 16 * warps; }
  int64_t threads() const { return warps * kWarp; }
};
// The largest cut up to `largest` whose tiles fit into shared memory: `owned` tiles of rows and `walked` tiles of
// columns at each stage. Warps count most: they share what is walked over.
AttentionCut chooseCut(const HeadLayout &layout, int64_t owned, int64_t walked, AttentionCut largest);
// Eight, where there are rows for them and factors are small.
int64_t mostWarps(const HeadLayout &layout, int64_t sequence);

// The rows that a block owns: this warp's fragments of them in registers, or a tile.
struct OwnedRows {
  Values fragments;
  std::optional<HeadTile> tile;
};

// Fragments: 4 values per 16 x 8 part.
class AttentionProducts {
public:
  AttentionProducts(GpuBuilder &b, const HeadLayout &layout, const AttentionCut &cut);

  // Whether fragments of so many owned tiles may stay in registers, next to one tile's sums.
  static bool keepsFragments(const HeadLayout &layout, int64_t tiles = 1);
  // The block's rows, from `source` of a panel on. A tile's copies are started, not yet awaited.
  OwnedRows own(mlir::Value source, bool inRegisters);

  // sums + owned walked^T: scores of this warp's rows.
  Values scores(Values sums, const OwnedRows &owned, const HeadTile &walked);
  // sums + weights walked: [16, padded width]. The block has a barrier between those of one round of the walk and of
  // the next; again: not the first of a round.
  Values accumulate(mlir::ValueRange sums, mlir::ValueRange weights, const HeadTile &walked, bool again = false);
  Values zeros() const; // of scores

  // This lane's place: the row of a fragment's value in the block, of either half, and its column in its part.
  mlir::Value row(int64_t half);
  mlir::Value column();

private:
  Values loadMatrix(mlir::Value lanes, int64_t row, int64_t column, bool transposed);
  void multiply(mlir::ValueRange a, mlir::ValueRange c, mlir::Value *sum);

  GpuBuilder &b;
  const HeadLayout &layout;
  const AttentionCut &cut;
  mlir::Value warpRow, weightMemory; // weightMemory: in precision f32, for lanes to read each other's weights
};

// Stores this warp's [16, width] sums times a factor per half in the rows below `count`.
void storeRows(GpuBuilder &b, AttentionProducts &products, mlir::ValueRange sums, llvm::ArrayRef<Term> factors,
               mlir::Value target, int64_t stride, int64_t width, mlir::Value count);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H
