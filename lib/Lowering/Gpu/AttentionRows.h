// Rows of heads as factors of products: in the workspace, and as tiles in shared memory.
//
// A row is padded with zeros to a multiple of 16 features, then by 16 bytes more: it has an odd number of 16-byte
// chunks, so that eight rows of one column of chunks lie in different banks. Rows lie like this in the workspace
// already, so that a tile is one piece of memory, whatever the width, and is copied as such.
#ifndef QFA_LIB_LOWERING_GPU_ATTENTIONROWS_H
#define QFA_LIB_LOWERING_GPU_ATTENTIONROWS_H

#include "GpuKernels.h"

namespace qfa {

struct HeadLayout {
  HeadLayout(Precision precision, int64_t width);

  // Wide rows need more shared memory than functions have of their own: tiles of them are dynamic, at the price of an
  // address more in registers.
  bool isWide() const { return padded > 128; }
  int64_t bytes(int64_t rows) const { return rows * stride * elementBytes; }
  // Pointer to a row, or to a feature of it, of rows of this layout.
  mlir::Value row(GpuBuilder &b, mlir::Value rows, Term row, Term feature = 0) const;

  Precision precision;
  int64_t width, padded;        // features, without and with zeros
  int64_t elementBytes, stride; // stride: elements from row to row
};

constexpr int64_t kHeadRowAlign = 128; // every tile's rows divide it

// An operand in the workspace: [batch, heads, rows, stride], rows padded with zeros to a multiple of kHeadRowAlign.
struct HeadPanel {
  HeadLayout layout;
  int64_t offset, rows;

  mlir::Value head(GpuBuilder &b, mlir::Value batchHead) const; // pointer to row 0; batchHead: batch * heads + head
};

// Panels of operands: tensors [batch, sequence, features] or buffers [context, features], of which there are `count`
// rows, at least one.
llvm::SmallVector<HeadPanel> planHeadPanels(GpuPlan &plan, int64_t width, mlir::ValueRange operands,
                                            llvm::function_ref<mlir::Value(GpuBuilder &)> count = {});

// Rows of a panel in shared memory, by stages.
class HeadTile {
public:
  HeadTile(GpuBuilder &b, const HeadLayout &layout, int64_t rows, int64_t stages = 1);

  // The tile at stage `stage`.
  HeadTile at(mlir::Value stage) const;
  // Starts asynchronous copies by all threads, of rows from `source` on.
  void copy(mlir::Value source) const;

  GpuBuilder &b;
  const HeadLayout &layout;
  int64_t rows;
  mlir::Value memory;
};

// What this thread copied has arrived.
void awaitCopies(GpuBuilder &b);

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_ATTENTIONROWS_H
