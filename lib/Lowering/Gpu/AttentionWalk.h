// Which rows of attention meet: the walks of blocks, masks, scores.
#ifndef QFA_LIB_LOWERING_GPU_ATTENTIONWALK_H
#define QFA_LIB_LOWERING_GPU_ATTENTIONWALK_H

#include "AttentionTile.h"

namespace qfa {

// Where the walk of a block goes, in multiples of columns: all of its rows meet all columns from fullBegin to fullEnd,
// before and behind there are masked scores. begin is fullBegin, or fullEnd is end, where there can be none.
struct Walk {
  mlir::Value begin, fullBegin, fullEnd, end;
};
// Of queries from position `first` on over the keys, of which there are keyCount; of keys over the queries.
Walk walkOverKeys(GpuBuilder &b, const AttentionShape &shape, const AttentionCut &cut, mlir::Value first,
                  mlir::Value keyCount);
Walk walkOverQueries(GpuBuilder &b, const AttentionShape &shape, const AttentionCut &cut, mlir::Value first);

// The loops: code for masks is in those that need it only.
using WalkBody = llvm::function_ref<Values(mlir::Value column, bool masked, mlir::ValueRange carried)>;
Values emitWalk(GpuBuilder &b, const AttentionCut &cut, const Walk &walk, mlir::ValueRange carried, WalkBody body);

// base^x, for weights. Where they are rounded to bf16 the base is 2, which the machine has, about 2^-22 off; else e.
mlir::Value power(GpuBuilder &b, Precision precision, mlir::Value x);
double logOfE(Precision precision); // to that base

// The score in units, from the product of query and key; in `slope`, where it is wanted, what the cap's derivative is.
mlir::Value scaleScore(GpuBuilder &b, Precision precision, const AttentionShape &shape, mlir::Value product,
                       mlir::Value *slope = nullptr);

// Scores that their query does not see become minus infinity. firstRow, firstColumn: positions of the block's first
// queries and keys, whichever rows and columns are.
void maskScores(GpuBuilder &b, const AttentionShape &shape, AttentionProducts &products, Values &scores,
                mlir::Value firstRow, mlir::Value firstColumn, bool rowsAreQueries);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_ATTENTIONWALK_H
