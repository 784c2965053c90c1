// Codes, scales and zeros of an elastic weight's copy, as the storage format places them (qfa/Format/Copies.h).
#ifndef QFA_LIB_LOWERING_GPU_CODES_H
#define QFA_LIB_LOWERING_GPU_CODES_H

#include "GpuBuilder.h"

#include "qfa/Format/Copies.h"

namespace qfa {

constexpr int64_t kBlockRows = format::rowsPerBlock; // output rows that share words

// f32: `count` bits of a word from bit `at` on, as a number; plus 2^count where bit `highAt` of `high` is set.
mlir::Value bitsToFloat(GpuBuilder &b, mlir::Value word, int64_t at, int64_t count, mlir::Value high = {},
                        int64_t highAt = 0);
// f32: the code of row i (0 .. 31) of a block, in the words of one of its inputs.
mlir::Value codeOf(GpuBuilder &b, llvm::ArrayRef<mlir::Value> words, int64_t bits, int64_t i);
// i32: the same where the row is known as the kernel runs (i64). words: pointer to the first.
mlir::Value loadCode(GpuBuilder &b, mlir::Value words, int64_t bits, mlir::Value i);

// f32: the scale or zero at this index.
mlir::Value loadScale(GpuBuilder &b, ElasticType type, mlir::Value pointer, mlir::Value index);

// body(w[n, k]) of a weight, dense or elastic without its adapter; emitted once for each of its widths.
void withWeight(GpuBuilder &b, mlir::Value weight, mlir::Value n, mlir::Value k,
                llvm::function_ref<void(mlir::Value)> body);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_CODES_H
