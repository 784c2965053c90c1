// Matrix products of factors that lie in the workspace, on tensor cores.
//
//   result[i, j] = sum over k of A[i, k] B[j, k],   0 <= i < m, 0 <= j < n
//
// A factor is a panel: a row-major matrix of factorType, padded with zeros to multiples of panelAlign in both
// directions, so that the main loop has no bounds. It is stored as written above, or transposed: [k, i] or [k, j].
#ifndef QFA_LIB_LOWERING_GPU_GEMM_H
#define QFA_LIB_LOWERING_GPU_GEMM_H

#include "GpuKernels.h"

namespace qfa {

constexpr int64_t kPanelAlign = 128; // at least; a tile of more rows or columns serves panels that it divides
int64_t panelAlign(Card card);

struct Panel {
  int64_t offset = 0;            // in the workspace, bytes
  int64_t rows = 0, columns = 0; // padded
  bool transposed = false;       // rows are k
};

// Takes workspace for a panel of at least so many rows and columns.
Panel makePanel(GpuPlan &plan, int64_t rows, int64_t columns);
inline Panel transposed(Panel panel) {
  panel.transposed = true;
  return panel;
}

struct GemmSize {
  int64_t m, n, k;
};

// Stores result[row, column ..]: one value, or two of neighbouring columns. All of them lie within m and n.
using GemmEpilogue = llvm::function_ref<void(GpuBuilder &, mlir::Value row, mlir::Value column, mlir::ValueRange)>;

// What epilogues do with neighbouring values: stores them at pointer[at ..], at once where `aligned` says that pairs
// lie on 8 bytes.
void storeValues(GpuBuilder &b, mlir::ValueRange values, mlir::Value pointer, mlir::Value at, bool aligned);

// What an epilogue does, where that is no more than to store columns first .. first + n - 1 of the product as a matrix:
// at `offset` (floats) of result, scaled, plus the same place of addend.
struct StoredMatrix {
  int64_t result;    // as GpuPlan::pointer
  int64_t n, stride; // stride: floats from row to row
  int64_t first = 0, offset = 0;
  double scale = 1;
  int64_t addend = -1; // a pointer; -1: none
};

// Into how many parts the inner size of this product should be cut, each for blocks of its own: more than one where the
// result has too few tiles for a card. What a part adds up is then stored apart, and the epilogue finds which one it is
// in block(2).
int64_t chooseParts(GpuPlan &plan, GemmSize size);

// A function of the product, to be launched. `stored` says all that the epilogue stores, or nothing.
GpuPlan::Launch gemmLaunch(GpuPlan &plan, llvm::StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue,
                           llvm::ArrayRef<StoredMatrix> stored = {}, int64_t parts = 1);

// The same, launched once.
void planGemm(GpuPlan &plan, llvm::StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue,
              llvm::ArrayRef<StoredMatrix> stored = {});

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GEMM_H
