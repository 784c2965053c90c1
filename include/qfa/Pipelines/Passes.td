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

def LowerToGpu : Pass<"qfa-lower-to-gpu", "::mlir::ModuleOp"> {
  let summary = "lower a training graph or a subnet to GPU kernels and the host code that launches them";
  let description = [{
    Takes a module as it stands after any stage up to kernels, runs the stages that are missing (as the files of
    `qfa-compile --dump-stages-to` show them), then lowers:

    - every entry to a host function of the module ABI, which computes addresses and launches kernels;
    - every kernel to a `qfa.gpu_kernel`, a list of launches of GPU functions;
    - the GPU functions to the NVVM dialect (`emit=nvvm`), to PTX in a `gpu.binary` (`emit=ptx`), or to machine code for every
      architecture of `gpu-arch` beside the PTX (`emit=binary`). Without ptxas there is PTX only, which the driver compiles. All have
      the tiles of the lowest architecture, where qfa-compile lowers once for those of each.

    `supernet` holds options of --qfa-build-supernet, `batch` and `sequence` the shape of a step, for modules that are not as far.

    Example: `qfa-opt --qfa-lower-to-gpu="gpu-arch=80,90a" 2-supernet.mlir`
  }];
  let options = [
    Option<"emit", "emit", "std::string", "\"binary\"", "nvvm, ptx or binary">,
    ListOption<"archs", "gpu-arch", "std::string", "Architectures to make machine code for (default 80,90)">,
    Option<"precision", "precision", "std::string", "\"bf16\"", "Factors of matrix products: bf16 or f32">,
    Option<"multiprocessors", "multiprocessors", "unsigned", "0", "Of --qfa-lower-kernels-to-gpu">,
    Option<"supernet", "supernet", "std::string", "\"\"", "Options of --qfa-build-supernet">,
    Option<"batch", "batch", "int64_t", "2", "Sequences of a step">,
    Option<"sequence", "sequence", "int64_t", "256", "Tokens of a sequence">,
  ];
}

#endif // QFA_PIPELINES_PASSES_TD
