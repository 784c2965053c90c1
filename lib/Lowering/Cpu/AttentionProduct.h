// The products of attention: small, of one block each, with operands where they lie.
#ifndef QFA_LIB_LOWERING_CPU_ATTENTIONPRODUCT_H
#define QFA_LIB_LOWERING_CPU_ATTENTIONPRODUCT_H

#include "../Common/CodeBuilder.h"

namespace qfa {

// A matrix in memory; element (i, j) at base[i * row + j * column].
struct Matrix {
  mlir::Value base;
  int64_t row;
  int64_t column = 1;
  Matrix transposed() const { return {base, column, row}; }
};

// c: [rows, columns] = a: [rows, depth] times b: [depth, columns], added to c with `accumulate`. Rows of b and c are
// contiguous, a may be transposed. One function per combination of strides and columns serves the whole module.
void emitProduct(CodeBuilder &k, mlir::Value rows, int64_t columns, mlir::Value depth, Matrix a, Matrix b, Matrix c,
                 bool accumulate = false);

// to: [columns, width] = the transpose of from: [rows, columns] times `factor`, zero from column `rows` on.
void emitTransposed(CodeBuilder &k, mlir::Value rows, int64_t columns, Matrix from, double factor, mlir::Value to,
                    int64_t width);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_ATTENTIONPRODUCT_H
