// What the attention kernels have in common: rows of heads in shared memory, products of them, and masks.
//
// A block of threads owns `rows` rows (queries, or keys), a warp 16 of them, and walks over `columns` rows of the other
// kind at a time. Scores of a warp, [16, columns], stay in registers as the tensor core leaves them (PTX ISA, fragments
// of mma.m16n8k16), in precision f32 as well: lane l has rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next, of
// every 16 x 8 part. These are also the places of the first factor of the product that follows, so that probabilities
// never leave the registers.
#ifndef QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H
#define QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H

#include "../Common/AttentionHeads.h"
#include "GpuKernels.h"

namespace qfa {

struct AttentionShape : AttentionHeads {
  int64_t batch, sequence; // of the queries

  template <typename AttentionLike>
  explicit AttentionShape(AttentionLike op)
      : AttentionHeads(op), batch(op.getQ().getType().getDimSize(0)), sequence(op.getQ().getType().getDimSize(1)) {}
};

// How a block cuts the scores. Chosen so that its tiles and floats fit into shared memory.
struct AttentionCut {
  int64_t warps, columns;
  int64_t rows() const { return 16 * warps; }
  int64_t threads() const { return warps * kWarp; }
};
// Of `owned` tiles of rows, `walked` tiles of columns and `floats` floats per column; largest: of columns.
AttentionCut chooseCut(Precision precision, int64_t width, int64_t owned, int64_t walked, int64_t floats,
                       int64_t largest);

// Rows of a head in shared memory, as factors, padded with zeros. A row has an odd number of 16-byte chunks, so that
// eight rows of one column of chunks lie in different banks.
class HeadTile {
public:
  HeadTile(GpuBuilder &b, Precision precision, int64_t rows, int64_t width);
  static int64_t bytes(Precision precision, int64_t rows, int64_t width);

  // By all threads: row i of `count` valid ones (at least one) from source + i * stride. aligned: every row of the
  // source starts on 16 bytes.
  void load(mlir::Value source, int64_t stride, mlir::Value count, bool aligned);

  GpuBuilder &b;
  const Precision precision;
  const int64_t rows, width, padded, stride; // padded: features in the tile; stride: elements
  mlir::Value memory;
};

// Fragments: 4 values per 16 x 8 part.
class AttentionProducts {
public:
  AttentionProducts(GpuBuilder &b, Precision precision, const AttentionCut &cut);

  // owned columns^T: scores of this warp's rows.
  Values scores(const HeadTile &owned, const HeadTile &walked);
  // sums + weights walked: [16, padded width]. Between rounds of the walk the block has a barrier.
  Values accumulate(mlir::ValueRange sums, mlir::ValueRange weights, const HeadTile &walked);

  // e^x, for weights: where they are rounded to bf16 as the machine has it, about 2^-22 off.
  mlir::Value exp(mlir::Value x);

  // This lane's place: the row of a fragment's value in the block, i = 0 .. 3, and its column in its part.
  mlir::Value row(int64_t half);
  mlir::Value column();

private:
  Values loadMatrix(const HeadTile &tile, mlir::Value row, mlir::Value column, bool transposed);
  void multiply(mlir::ValueRange a, mlir::ValueRange c, mlir::Value *sum);

  GpuBuilder &b;
  const Precision precision;
  const AttentionCut &cut;
  mlir::Value warpRow, weightMemory; // weightMemory: in precision f32, for lanes to read each other's weights
  bool weightsWereRead = false;      // in this round of the walk
};

// Scores that their query does not see become minus infinity. `query` and `key` are the positions of rows and columns
// of the block, whichever they are: rowsAreQueries says. masked: whether there are such scores.
Values maskScores(GpuBuilder &b, const AttentionShape &shape, AttentionProducts &products, mlir::ValueRange scores,
                  mlir::Value firstRow, mlir::Value firstColumn, bool rowsAreQueries, mlir::Value masked);

// The score from the product of query and key; in `slope`, where it is wanted, what the cap's derivative is.
mlir::Value scaleScore(GpuBuilder &b, const AttentionShape &shape, mlir::Value product, mlir::Value *slope = nullptr);

// Stores this warp's [16, width] sums times a factor per half (null: 1) in the rows below `count`.
void storeRows(GpuBuilder &b, AttentionProducts &products, mlir::ValueRange sums, const Values &factors,
               mlir::Value target, int64_t stride, int64_t width, mlir::Value count);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_ATTENTIONTILE_H
