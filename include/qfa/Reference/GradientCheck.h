// Gradients of a training function against central differences of the loss.
#ifndef QFA_REFERENCE_GRADIENTCHECK_H
#define QFA_REFERENCE_GRADIENTCHECK_H

#include "qfa/Reference/Interpreter.h"

#include "llvm/Support/raw_ostream.h"

namespace qfa::reference {

struct GradientCheckOptions {
  std::string train = "train_step"; // accumulates into the gradient states
  std::string loss = "eval_step";   // the loss is the sum of its first result
  int64_t samples = 4;              // elements per trainable
  double step = 1e-3;
  double tolerance =
      1e-6; // of |gradient - difference|, relative to the larger, but at least to 1e-4 of the tensor's largest
  uint64_t seed = 0;
};

// Runs `train` once, then moves sampled elements of every trainable and compares. Prints a line per trainable and the
// largest error; fails, with an error on the trainable, above the tolerance. Needs an interpreter in F64.
llvm::LogicalResult checkGradients(Interpreter &interpreter, llvm::ArrayRef<Tensor> inputs,
                                   const GradientCheckOptions &options, llvm::raw_ostream &out);

} // namespace qfa::reference

#endif // QFA_REFERENCE_GRADIENTCHECK_H
