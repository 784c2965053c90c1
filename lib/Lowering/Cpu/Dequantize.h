// Elastic weights as floats: w[n, k] = scale[n, k / group] * code[n, k] + zero[n, k / group].
//
// Codes lie in blocks of 32 rows, [block][in][bits] words; the words of one (block, k) hold the codes of 32 rows, so
// lanes of a register are rows. Scales and zeros lie [block][groups][32].
#ifndef QFA_LIB_LOWERING_CPU_DEQUANTIZE_H
#define QFA_LIB_LOWERING_CPU_DEQUANTIZE_H

#include "Gemm.h"
#include "KernelBuilder.h"

namespace qfa {

// Codes of rows first .. first + lanes - 1 as floats, each multiplied by a power of two that saves shifting it: its
// inverse is what laneFactors returns, to be multiplied to the scales. words: the `bits` words of a (block, k).
mlir::Value loadCodes(CodeBuilder &b, mlir::Value words, int64_t bits, int64_t first);
llvm::SmallVector<float> laneFactors(int64_t lanes, int64_t bits, int64_t first);

// `lanes` scales or zeros of the elastic type as f32; index counts them from the pointer.
mlir::Value loadScales(CodeBuilder &b, ElasticType type, mlir::Value pointer, Term index);

// body(bits) under the width in force.
void switchOnBits(CodeBuilder &b, ElasticType type, const SiteRow &row, llvm::function_ref<void(int64_t)> body);

// panels[k, i] = w[32 * block + i, first + k] for k < depth: the whole block as 32 / nr panels. depth must be a
// multiple of depthStep(type).
void dequantizeColumns(CodeBuilder &b, ElasticType type, const SiteRow &row, Panels panels, mlir::Value block,
                       mlir::Value first, mlir::Value depth);
// Inputs that share a group's scales and are done at once: the group, or a part of a large one.
int64_t depthStep(ElasticType type);

// target[i * stride + c] = w[32 * block + i, first + c] for i < 32, c < columns rounded up to lanes (w's last column
// serves for those beyond it).
void dequantizeRows(CodeBuilder &b, ElasticType type, const SiteRow &row, mlir::Value target, mlir::Value stride,
                    mlir::Value block, mlir::Value first, mlir::Value columns);

// target[k] = w[n, k] for one row.
void dequantizeRow(CodeBuilder &b, ElasticType type, const SiteRow &row, mlir::Value target, mlir::Value n);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_DEQUANTIZE_H
