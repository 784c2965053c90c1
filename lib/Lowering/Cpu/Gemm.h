// Matrix products: a micro-kernel over panels, and the copies that make panels.
//
// A panel holds nr columns of the right factor, [depth][nr] contiguous: what the micro-kernel reads per step of the
// depth lies side by side, whatever the weight's storage was. Panels of one factor follow each other `stride` floats
// apart. Columns of a last, partly used panel hold copies of valid columns; what they produce is thrown away.
#ifndef QFA_LIB_LOWERING_CPU_GEMM_H
#define QFA_LIB_LOWERING_CPU_GEMM_H

#include "../Common/CodeBuilder.h"
#include "../Common/Sizes.h"

namespace qfa {

// Columns of the result that one tile of a kernel computes: a block of the storage format.
constexpr int64_t blockColumns = 32;

struct Factor {
  mlir::Value pointer;
  mlir::Value stride;      // floats between rows
  bool transposed = false; // element (i, k) is pointer[k * stride + i] instead of pointer[i * stride + k]
};
struct Panels {
  mlir::Value pointer;
  mlir::Value stride; // floats between panels
  mlir::Value count;
};
struct Target {
  mlir::Value pointer;
  mlir::Value stride;      // floats between rows
  mlir::Value panelStride; // floats between the columns of one panel and the next; nr for a plain matrix
};

// target[rows, count * nr] = (accumulate ? target : 0) + a[rows, depth] * panels[depth, count * nr]
void product(CodeBuilder &b, Factor a, Panels panels, Target target, mlir::Value rows, mlir::Value depth,
             mlir::Value accumulate);

// panels[k, c] = factor * source[k * stride + c] for c < columns.
void packRows(CodeBuilder &b, Panels panels, mlir::Value source, mlir::Value stride, mlir::Value columns,
              mlir::Value depth, double factor = 1.0);
// panels[k, c] = factor * source[c * stride + k] for c < columns.
void packColumns(CodeBuilder &b, Panels panels, mlir::Value source, mlir::Value stride, mlir::Value columns,
                 mlir::Value depth, double factor = 1.0);
// target[i * targetStride + c] = source[i * sourceStride + c] for i < rows, c < columns.
void copyMatrix(CodeBuilder &b, mlir::Value target, mlir::Value targetStride, mlir::Value source,
                mlir::Value sourceStride, mlir::Value rows, mlir::Value columns);

// Columns of a row-major result [rows, width] as a product's target. Where the last panel is only partly used the
// product goes to `spill` [rows, blockColumns] instead, and `finish` copies what is wanted.
class ResultColumns {
public:
  // The columns first .. first + blockColumns - 1, as far as there are.
  ResultColumns(CodeBuilder &b, mlir::Value result, int64_t width, mlir::Value first, mlir::Value rows,
                mlir::Value spill);
  // Brings what the result holds into the spill memory, for a product that is added to it.
  void loadSpill();
  void finish();
  static int64_t spillFloats(int64_t width, int64_t rows, const Isa &target) {
    return width % target.nr ? rows * blockColumns : 0;
  }

  Target target;
  mlir::Value columns; // how many there are
  mlir::Value panels;  // how many panels hold them

private:
  CodeBuilder &b;
  mlir::Value isPartial, place, rows;
  int64_t width;
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_GEMM_H
