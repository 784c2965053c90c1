// Rows of the runtime's tables (qfa/module_abi.h) as kernels see them.
#ifndef QFA_LIB_LOWERING_COMMON_ROWS_H
#define QFA_LIB_LOWERING_COMMON_ROWS_H

#include "CodeBuilder.h"

namespace qfa {

// A row of the site table (qfa_site_row_t), loaded where it is asked for.
struct SiteRow {
  mlir::Value codes, scales, zeros, adapterA, adapterB, bits; // bits: i32
};
// A row of the table of trainables (qfa_trainable_row_t).
struct TrainableRow {
  mlir::Value value, m, v, c1, c2; // c1, c2: f32
};

// The fields of a row that the pointer points to. Their pointers are of its address space.
SiteRow loadSiteRow(CodeBuilder &b, mlir::Value row);
TrainableRow loadTrainableRow(CodeBuilder &b, mlir::Value row);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ROWS_H
