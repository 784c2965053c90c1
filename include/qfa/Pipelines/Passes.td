// The contract of every stage, as a pass.
#ifndef QFA_PIPELINES_PASSES_TD
#define QFA_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyStage : Pass<"qfa-verify-stage", "::mlir::ModuleOp"> {
  let summary = "check what a stage guarantees to the next";
  let description = [{
    Changes nothing. Reports the first op that the named stage should not have left behind, with the pass that should have dealt
    with it. `stage` is import, supernet, autodiff, schedule, kernels or lowering.

    Example: `qfa-opt --qfa-verify-stage=stage=kernels program.mlir`
  }];
  let options = [Option<"stage", "stage", "std::string", "\"\"", "The stage whose contract is checked">];
}

#endif // QFA_PIPELINES_PASSES_TD
