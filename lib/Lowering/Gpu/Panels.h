// Filling the panels of matrix products: activations and dense weights rounded, elastic weights dequantized.
#ifndef QFA_LIB_LOWERING_GPU_PANELS_H
#define QFA_LIB_LOWERING_GPU_PANELS_H

#include "Gemm.h"

namespace qfa {

// Pointer to a row of a panel, and f32 values stored as factors in neighbouring columns of it: one, two or four, from a
// multiple of their number on.
mlir::Value panelRow(GpuBuilder &b, Precision precision, Panel panel, mlir::Value row);
void storeFactors(GpuBuilder &b, Precision precision, llvm::ArrayRef<mlir::Value> values, mlir::Value row,
                  mlir::Value at);

// Columns of a panel: a row-major f32 matrix that `pointer` finds (on 16 bytes), `stride` floats from row to row.
struct PanelSource {
  llvm::function_ref<mlir::Value(GpuBuilder &)> pointer;
  int64_t columns;
  int64_t stride; // 0: as many as columns
};

// A panel of `rows` rows whose columns are those of the sources, side by side.
Panel planCast(GpuPlan &plan, llvm::StringRef part, int64_t rows, llvm::ArrayRef<PanelSource> sources);

// The panel [W | B] of an elastic weight's copy and adapter in force: rows are outputs.
Panel planDequantize(GpuPlan &plan, llvm::StringRef part, mlir::Value weight);

// Output rows first .. first + rows - 1 of a weight, dense or elastic without its adapter, `first` being `rows` times
// the argument of the launch: fills one panel, part by part. Rows behind the last one are zero.
struct WeightPart {
  std::string name;
  Grid grid;
  int64_t threads;
  Panel panel;
};
WeightPart weightPart(GpuPlan &plan, llvm::StringRef part, mlir::Value weight, int64_t rows);

// [W | B] of an elastic weight, W of a dense one.
Panel planWeight(GpuPlan &plan, llvm::StringRef part, mlir::Value weight);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_PANELS_H
