// The Autodiff stage: from one forward function to the functions a program runs, the training step with its backward.
#ifndef QFA_AUTODIFF_PASSES_H
#define QFA_AUTODIFF_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Autodiff/Passes.h.inc"

struct AutodiffOptions {
  BuildFunctionsOptions functions;
  DifferentiateOptions training; // ignored without a function train_step
  PlanRecomputeOptions recompute;
};

void buildAutodiffPipeline(mlir::OpPassManager &pm, const AutodiffOptions &options);

// Gives arith.addf, subf and mulf their derivative rules.
void registerArithDerivatives(mlir::DialectRegistry &registry);

#define GEN_PASS_REGISTRATION
#include "qfa/Autodiff/Passes.h.inc"

} // namespace qfa

#endif // QFA_AUTODIFF_PASSES_H
