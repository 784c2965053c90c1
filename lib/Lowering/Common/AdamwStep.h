// One AdamW step of one element, on scalars or vectors.
#ifndef QFA_LIB_LOWERING_COMMON_ADAMWSTEP_H
#define QFA_LIB_LOWERING_COMMON_ADAMWSTEP_H

#include "Rows.h"

namespace qfa {

// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; value -= lr (m / c1 / (sqrt(v / c2) + eps) + wd value), where g is
// the gradient times its scale.
class AdamwStep {
public:
  // hyper: pointer to [lr, b1, b2, eps, wd, unused, gradient scale, unused].
  AdamwStep(CodeBuilder &k, const TrainableRow &row, mlir::Value hyper);
  // Elements at `at` of the row, of `type` (f32 or a vector of f32).
  void emit(mlir::Type type, mlir::Value gradient, mlir::Value at);

private:
  CodeBuilder &k;
  TrainableRow row;
  mlir::Value lr, b1, b2, eps, decay, scale, rest1, rest2, inverse1, inverse2;
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ADAMWSTEP_H
