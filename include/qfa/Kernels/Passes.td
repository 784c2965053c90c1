// Passes of the Kernels stage: ops become launches of deduplicated kernels, results get their place in one arena.
#ifndef QFA_KERNELS_PASSES_TD
#define QFA_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineKernels : Pass<"qfa-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "outline every computing op into a kernel, equal kernels once";
  let description = [{
    Needs functions with static shapes. Every op with a kernel of its own (KernelOpInterface) becomes a `qfa.launch` of a
    `qfa.kernel` that holds just that op. Elementwise ops of `arith` and `math` on tensors of one shape are first gathered: an
    op joins its user's kernel when all its users are there, constants join always. Kernels are equal when their bodies are, so
    code size depends on the number of distinct layers, not on their count. Weights, rows and states are operands.

    Example:
    ```mlir
    %y = qfa.gated_activation silu %g, %u : tensor<1x2x8xf32>
    // becomes
    %y = qfa.launch @gated_activation_1x2x8(%g, %u) : (tensor<1x2x8xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
    ```
  }];
  let dependentDialects = ["::qfa::QfaDialect"];
  let statistics = [Statistic<"numLaunches", "launches", "Launches made">, Statistic<"numKernels", "kernels", "Distinct kernels made">];
}

def PlanMemory : Pass<"qfa-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "give every launch's results a fixed place in the arena";
  let description = [{
    Needs functions of launches only (after --qfa-outline-kernels). Results that live at the same time never overlap; larger ones
    are placed first, each at the lowest free offset (64-byte aligned). Sets `offsets` of the launches and `qfa.arena_bytes` of the
    function. A result's life ends with its last reader, or with the function when it is returned.
  }];
  let dependentDialects = ["::qfa::QfaDialect"];
}

#endif // QFA_KERNELS_PASSES_TD
