// How stages meet ops they do not know.
#ifndef QFA_INTERFACES_TD
#define QFA_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Qfa_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::qfa";
  let description = [{ An op with a derivative rule for reverse mode. }];
  let methods = [
    InterfaceMethod<[{
      Builds the backward of this op at the builder's insertion point. `cotangents` holds one value per result, null where the
      result does not reach the loss. `add(operand, gradient)` hands over the gradient of an operand; gradients of persistent
      state (adapters, trained parameters) are accumulated into the buffer that `gradientOf(value)` returns, null where the
      value is frozen. Fails, with an error on the op, when the op cannot be differentiated in its present form.
    }], "::llvm::LogicalResult", "buildBackward",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents,
           "::llvm::function_ref<void(::mlir::Value, ::mlir::Value)>":$add,
           "::llvm::function_ref<::mlir::Value(::mlir::Value, ::llvm::StringRef)>":$gradientOf)>
  ];
}

def Qfa_KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::qfa";
  let description = [{ An op that becomes one kernel of its own, with counters that do not depend on the machine. }];
  let methods = [
    InterfaceMethod<"Multiplications and additions of one run, both counted.", "int64_t", "getFlops", (ins)>
  ];
}

#endif // QFA_INTERFACES_TD
