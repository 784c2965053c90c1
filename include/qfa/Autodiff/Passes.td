// Passes of the Autodiff stage, in the order of its pipeline: from one forward function to the functions a program runs.
#ifndef QFA_AUTODIFF_PASSES_TD
#define QFA_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def BuildFunctions : Pass<"qfa-build-functions", "::mlir::ModuleOp"> {
  let summary = "make the program's functions of static shape from the dynamic forward function";
  let description = [{
    Needs `@forward(ids: tensor<?x?xi32>)`, which returns the result of a `qfa.linear` without adapter, the head. Dimension 0 of
    every dynamic tensor is the batch, every other dynamic dimension the sequence. @forward is erased.

    | function | arguments | result |
    |---|---|---|
    | `train_step`, `eval_step` | ids, labels: i32 [batch, sequence] | the loss of every token, f32 [batch, sequence] |
    | `logits` | ids: i32 [batch, sequence] | f32 [batch, sequence, vocabulary] |
    | `prefill` | ids: i32 [1, prefill], position: i32 [1], last: i32 [1] | logits of token `last`, f32 [1, 1, vocabulary] |
    | `decode` | ids: i32 [1, 1], position: i32 [1] | f32 [1, 1, vocabulary] |

    In `train_step` and `eval_step` the head is part of `qfa.cross_entropy`, so the logits never exist. `prefill` and `decode`
    rotate from `position` on and keep keys and values in two `qfa.state cache`s of `context` rows per attention.

    Example:
    ```mlir
    func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
      ...
      %logits = qfa.linear %y, %table : tensor<?x?x32xf32>, tensor<64x32xf32> -> tensor<?x?x64xf32>
    // becomes, with functions=train_step batch=2 sequence=8
    func.func @train_step(%ids: tensor<2x8xi32>, %labels: tensor<2x8xi32>) -> tensor<2x8xf32> {
      ...
      %loss, %log_sum_exp, %gradient = qfa.cross_entropy %y, %table, %labels : ...
    ```
  }];
  let options = [
    ListOption<"functions", "functions", "std::string",
               "Functions to build (default train_step,eval_step,prefill,decode; also logits)">,
    Option<"batch", "batch", "int64_t", "2", "Sequences of a step">,
    Option<"sequence", "sequence", "int64_t", "256", "Tokens of a sequence">,
    Option<"prefill", "prefill", "int64_t", "64", "Tokens that prefill takes at once">,
    Option<"context", "context", "int64_t", "2048", "Rows of the key and value caches">,
  ];
  let dependentDialects = ["::qfa::QfaDialect"];
}

def Differentiate : Pass<"qfa-differentiate", "::mlir::ModuleOp"> {
  let summary = "append the backward to the training step";
  let description = [{
    Needs @train_step, which returns the loss of a `qfa.cross_entropy` with gradient. Every op on the way from a trained value
    to the loss must implement DifferentiableOpInterface; `arith.addf`, `subf` and `mulf` do so here.

    What is trained: with method `supernet` both adapter matrices of every elastic weight with a rank, with `full` every
    parameter that @train_step reads. Each gets a `qfa.state gradient`, to which the backward adds, and a `qfa.trainable`.
    Gradients flow only through values that depend on a trained value: nothing is computed below the first adapter, nor for the
    table of a frozen embedding. The backward follows the loss, so that op is the border between the two.

    A module that has trainables is left alone, as are the other functions.

    Example (method full):
    ```mlir
    %y = qfa.linear %x, %w : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>
    // has the backward
    %g = qfa.state_ref @"proj.weight.gradient" : !qfa.buffer<32x16xf32>
    qfa.accumulate_outer %dy, %x into %g {scale = 1.0 : f32} : tensor<2x8x32xf32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>
    %dx = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
    ```
  }];
  let options = [
    Option<"method", "method", "std::string", "\"supernet\"", "What is trained: supernet (adapters) or full (all parameters)">,
  ];
  let dependentDialects = ["::qfa::QfaDialect"];
}

def FoldGradientSums : Pass<"qfa-fold-gradient-sums", "::mlir::func::FuncOp"> {
  let summary = "let gradient ops add what is added to their result";
  let description = [{
    `arith.addf` of the only use of a result of `qfa.linear_grad`, `qfa.group_unpool` or `qfa.rms_norm_grad` becomes that op's
    `addend`, which saves writing and reading the tensor once. The op moves down to the sum where the addend comes later.

    Example:
    ```mlir
    %a = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
    %dx = arith.addf %b, %a : tensor<2x8x16xf32>
    // becomes
    %dx = qfa.linear_grad %dy, %w plus %b : tensor<2x8x16xf32> : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>
    ```
  }];
  let dependentDialects = ["::qfa::QfaDialect"];
}

def PlanRecompute : Pass<"qfa-plan-recompute", "::mlir::ModuleOp"> {
  let summary = "recompute activations in the backward until those saved fit a budget";
  let description = [{
    Needs @train_step with its backward; without that function nothing is done. Saved are the f32 values that the forward (the
    ops up to the loss) computes and the backward reads. The lowest level that fits is taken:

    0. everything is kept;
    1. results of cheap ops (norms, activations, rotations, pools, adapter products, elementwise) whose operands are saved anyway
       are computed again just before the backward first reads them;
    2. only the inputs of blocks are kept. A block begins at the last value before an attention through which the whole forward
       passes: the residual stream.

    Sets `qfa.recompute_level` and `qfa.saved_bytes` of the function. The recomputed ops carry `qfa.recomputed`, without which a
    common-subexpression elimination would undo the plan. What one block needs while it is computed again comes on top.

    Example: `%n = qfa.rms_norm %x, %gain {epsilon = 1.0e-05 : f32, qfa.recomputed} : tensor<2x8x32xf32>, tensor<32xf32>`
  }];
  let options = [
    Option<"activationMemory", "activation-memory", "int64_t", "0", "Budget for saved activations in bytes, 0 for no limit">,
  ];
  let dependentDialects = ["::qfa::QfaDialect"];
}

def InsertOptimizer : Pass<"qfa-insert-optimizer", "::mlir::ModuleOp"> {
  let summary = "build the functions of the optimizer";
  let description = [{
    Needs the trainables that --qfa-differentiate declares; without any, or where the functions exist, nothing is done. Builds
    `@gradient_norm() -> tensor<1xf32>`, the sum of the squares of all gradients, and `@update(hyper: tensor<8xf32>)` with one
    `qfa.adamw` per trainable.

    Example:
    ```mlir
    func.func @gradient_norm() -> tensor<1xf32> {
      %g = qfa.state_all gradient : !qfa.buffer<192xf32>
      %n = qfa.gradient_norm %g : !qfa.buffer<192xf32> -> tensor<1xf32>
      return %n : tensor<1xf32>
    }
    ```
  }];
  let dependentDialects = ["::qfa::QfaDialect"];
}

#endif // QFA_AUTODIFF_PASSES_TD
