// Stage 1, import: from an ONNX graph as it was written to `qfa` model ops, in this order.
#ifndef QFA_IMPORT_PASSES_TD
#define QFA_IMPORT_PASSES_TD

include "mlir/Pass/PassBase.td"

def StripInference : Pass<"qfa-onnx-strip-inference", "::mlir::func::FuncOp"> {
  let summary = "Reduce a graph to token identifiers in, logits out";
  let description = [{
    Training has no padding and no cache: a mask input becomes ones, positions become 0 .. sequence - 1, past keys and values
    become tensors of length 0, all computed from the shape of the identifiers. Results other than the logits (the new caches)
    are dropped. The roles of inputs follow from their names, which exporters agree on: `*mask*`, `*position*`, `past*`.
  }];
}

def FoldOnnx : Pass<"qfa-onnx-fold", "::mlir::func::FuncOp"> {
  let summary = "Evaluate what depends on shapes and constants only";
  let description = [{
    The graph is evaluated on three small pairs of batch and sequence. A value that is the same on all of them becomes an
    `onnx.constant`; a vector of integers that are multiples of batch and sequence becomes an `onnx.shape`. Masks and rotary
    tables stay: the patterns that need them recognise what they compute. Weights are not read, except small ones that
    positions are multiplied with.
  }];
}

def RaiseOnnx : Pass<"qfa-onnx-raise", "::mlir::func::FuncOp"> {
  let summary = "Raise the graph to qfa model ops";
  let description = [{
    One forward walk: operands are raised before the node that uses them. Views of a tensor (reshape, transpose, slice, cast,
    expand and their chains) are followed by what they compute: pushing indices through them tells whether they are the identity
    or split features into heads. Patterns for arithmetic look at structure, and at the values of masks and rotary tables. A
    node that cannot be raised is an error that names the pattern that came closest. Computation is f32 whatever the storage.
  }];
}

def NameParameters : Pass<"qfa-name-parameters", "::mlir::ModuleOp"> {
  let summary = "Give every parameter its Hugging Face name and merge tied ones";
  let description = [{
    The name comes from the scope recorded in the file; where that says nothing, from the role of the linear layer or norm
    and the number of its block. A table that is in the file twice, as embedding and as output projection, becomes one parameter.
    Unused parameters are removed.
  }];
}

#endif // QFA_IMPORT_PASSES_TD
