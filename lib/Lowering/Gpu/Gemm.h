// Matrix products of factors that lie in the workspace, on tensor cores.
//
//   result[i, j] = sum over k of A[i, k] B[j, k],   0 <= i < m, 0 <= j < n
//
// A factor is a panel: a row-major matrix of factorType, padded with zeros to multiples of kPanelAlign in both
// directions, so that the main loop has no bounds. It is stored as written above, or transposed: [k, i] or [k, j].
#ifndef QFA_LIB_LOWERING_GPU_GEMM_H
#define QFA_LIB_LOWERING_GPU_GEMM_H

#include "GpuKernels.h"

namespace qfa {

constexpr int64_t kPanelAlign = 128; // every tile's sizes divide it

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

// A function of the product; how many blocks it wants.
struct GemmFunction {
  std::string name;
  Grid grid;
  int64_t threads;
};
GemmFunction gemmFunction(GpuPlan &plan, llvm::StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue);

// The function, launched once.
void planGemm(GpuPlan &plan, llvm::StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GEMM_H
