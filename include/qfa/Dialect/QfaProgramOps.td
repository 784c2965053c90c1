// The program around the computation: persistent state, trained tensors, kernels and their launches.
#ifndef QFA_PROGRAM_OPS_TD
#define QFA_PROGRAM_OPS_TD

include "qfa/Dialect/QfaModelOps.td"

def Qfa_StateKind : I32EnumAttr<"StateKind", "what a state is for", [
  I32EnumAttrCase<"gradient", 0>, I32EnumAttrCase<"cache", 1>]> {
  let cppNamespace = "::qfa";
  let genSpecializedAttr = 0;
}

def Qfa_StateOp : Qfa_Op<"state", [Symbol]> {
  let summary = "persistent memory of the program";
  let description = [{
    All states of one kind lie side by side in the order of the module; the runtime allocates each kind once.

    Example: `qfa.state gradient @"model.norm.weight.gradient" : !qfa.buffer<16xf32>`
  }];
  let arguments = (ins EnumAttr<Qfa_Dialect, Qfa_StateKind, "state_kind">:$kind, SymbolNameAttr:$sym_name, TypeAttrOf<Qfa_BufferType>:$type);
  let assemblyFormat = "$kind $sym_name `:` $type attr-dict";
}

def Qfa_StateRefOp : Qfa_Op<"state_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the memory of a state";
  let description = [{
    Constraints: (state_ref_c1) the symbol is a state of the result's type.

    Example: `%g = qfa.state_ref @"model.norm.weight.gradient" : !qfa.buffer<16xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs Qfa_BufferType:$result);
  let assemblyFormat = "$state `:` type($result) attr-dict";
}

def Qfa_StateAllOp : Qfa_Op<"state_all", [Pure]> {
  let summary = "all states of a kind as one flat buffer";
  let description = [{ Example: `%g = qfa.state_all gradient : !qfa.buffer<4096xf32>` }];
  let arguments = (ins EnumAttr<Qfa_Dialect, Qfa_StateKind, "state_kind">:$kind);
  let results = (outs Qfa_BufferType:$result);
  let assemblyFormat = "$kind `:` type($result) attr-dict";
}

def Qfa_TrainableOp : Qfa_Op<"trainable", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a trained tensor: one matrix of an elastic weight's adapter in force, or a parameter";
  let description = [{
    `source` names the elastic weight (`role` adapter_a or adapter_b) or the parameter (`role` value). The runtime fills a row
    of the table of trainables per step with the tensor in force and its optimizer state.

    Constraints: (trainable_c1) `type` is that of the matrix or parameter that source and role name; (trainable_c2) `gradient` is a
    gradient state of this type.

    Example: `qfa.trainable @"lm_head.weight.trainable" of @"lm_head.weight" role "value" gradient @g : !qfa.trainable<32x16xf32>`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$source, StrAttr:$role, FlatSymbolRefAttr:$gradient, TypeAttrOf<Qfa_TrainableType>:$type);
  let assemblyFormat = "$sym_name `of` $source `role` $role `gradient` $gradient `:` $type attr-dict";
}

def Qfa_TrainableRefOp : Qfa_Op<"trainable_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the row of a trained tensor";
  let description = [{
    Constraints: (trainable_ref_c1) the symbol is a trainable of the result's type.

    Example: `%t = qfa.trainable_ref @"lm_head.weight.trainable" : !qfa.trainable<32x16xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$trainable);
  let results = (outs Qfa_TrainableType:$result);
  let assemblyFormat = "$trainable `:` type($result) attr-dict";
}

def Qfa_KernelOp : Qfa_Op<"kernel", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "one function that a device runs";
  let description = [{
    The body's ops are what the kernel computes; its arguments are the launch's operands, its yielded values the launch's
    results. Either one op with a kernel of its own, or any number of elementwise ops on tensors of one shape.

    Constraints: (kernel_c1) the body ends with `qfa.yield`.

    Example:
    ```mlir
    qfa.kernel @add_2x8x16 {
    ^bb0(%a: tensor<2x8x16xf32>, %b: tensor<2x8x16xf32>):
      %c = arith.addf %a, %b : tensor<2x8x16xf32>
      qfa.yield %c : tensor<2x8x16xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $body attr-dict";
  let hasVerifier = 1;
}

def Qfa_YieldOp : Qfa_Op<"yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let description = [{ Example: `qfa.yield %c : tensor<2x8x16xf32>` }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def Qfa_LaunchOp : Qfa_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel";
  let description = [{
    After memory planning `offsets` holds each result's place in the arena, in bytes.

    Constraints: (launch_c1) the symbol is a kernel; (launch_c2) operands and results have the types of its arguments and yielded values;
    (launch_c3) offsets, when given, are one per result.

    Example: `%c = qfa.launch @add_2x8x16(%a, %b) {offsets = array<i64: 0>} : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs, OptionalAttr<DenseI64ArrayAttr>:$offsets);
  let results = (outs Variadic<Qfa_F32Tensor>:$outputs);
  let assemblyFormat = "$kernel `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)";
  let hasVerifier = 1;
}

def Qfa_GpuKernelOp : Qfa_Op<"gpu_kernel", [Symbol, NoTerminator, SingleBlock]> {
  let summary = "what a kernel is on a GPU: launches of GPU functions, one after the other";
  let description = [{
    Takes the place of the `qfa.kernel` of the same name. Every function is given the kernel's pointers (operands, then results),
    a pointer to `workspace` bytes of memory that only this kernel uses while it runs, and the argument of the launch. `flops` and
    `bytes` are what one run of the kernel has to compute and to move: operands and results once, the workspace written and read.

    Constraints: (gpu_kernel_c1) the body holds `qfa.gpu_launch` only, one or more.

    Example:
    ```mlir
    qfa.gpu_kernel @linear_1x64x48 pointers 3 workspace 24576 flops 884736 bytes 91136 {
      qfa.gpu_launch @kernels::@linear_1x64x48__panel grid [2, 1, 1] block 128 argument 0
      qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$pointers, I64Attr:$workspace, I64Attr:$flops, I64Attr:$bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `pointers` $pointers `workspace` $workspace `flops` $flops `bytes` $bytes $body attr-dict";
  let hasVerifier = 1;
}

def Qfa_GpuLaunchOp : Qfa_Op<"gpu_launch", [HasParent<"GpuKernelOp">, NoTerminator, NoRegionArguments]> {
  let summary = "one launch of a GPU function: a grid of blocks of `block` threads";
  let description = [{
    `shared` is the dynamic shared memory of a block in bytes, beside what the function declares. An `early` launch reads weights
    only, nothing that other launches compute, and writes the workspace only: it may run while the kernel before is still at work.
    What is `computed` are all the results of the launch as matrix products: a library's products may take its place.

    Constraints: (gpu_launch_c1) the grid has three positive sizes, at most 2147483647 in x and 65535 in y and z;
    (gpu_launch_c2) a block has 32 to 1024 threads, whole warps; (gpu_launch_c3) `shared` is not negative; (gpu_launch_c4) what is
    computed are `qfa.gpu_product` only.

    Example: `qfa.gpu_launch @kernels::@linear_1x64x48__gemm grid [1, 1, 1] block 128 argument 0`
  }];
  let arguments = (ins SymbolRefAttr:$function, DenseI64ArrayAttr:$grid, I64Attr:$block, I64Attr:$argument,
    DefaultValuedAttr<I64Attr, "0">:$shared, UnitAttr:$early);
  let regions = (region MaxSizedRegion<1>:$computed);
  let assemblyFormat = "$function `grid` $grid `block` $block `argument` $argument (`shared` $shared^)? (`early` $early^)? (`computes` $computed^)? attr-dict";
  let hasVerifier = 1;
}

def Qfa_GpuProductOp : Qfa_Op<"gpu_product", [HasParent<"GpuLaunchOp">]> {
  let summary = "a matrix product that a launch computes, as a library is asked for it";
  let description = [{
    result[i, j] = `scale` * sum over l of left[i, l] right[j, l] (+ addend[i, j]), for sizes [i, j, l].

    A factor lies row-major in the workspace, its type that of all factors of the module; `left` and `right` give its offset in bytes
    and its stride in elements. `transposed_left` and `transposed_right` say that it is stored as [l, i] or [l, j]. `into` and `plus`
    are pointers of the kernel, counted as its functions' parameters: `pointers` of it, then the workspace. Result and addend are
    row-major f32 at the offset and stride of `at`, in floats.

    Constraints: (gpu_product_c1) sizes are three positive numbers; (gpu_product_c2) offsets are not negative, and strides at least
    the length of a row; (gpu_product_c3) `into` and `plus` are pointers of the kernel or its workspace.

    Example: `qfa.gpu_product [256, 48, 64] left [0, 128] right [65536, 128] transposed_right into 2 at [0, 48] scale 1.0`
  }];
  let arguments = (ins DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$left, UnitAttr:$transposed_left, DenseI64ArrayAttr:$right,
    UnitAttr:$transposed_right, I64Attr:$into, DenseI64ArrayAttr:$at, F64Attr:$scale, OptionalAttr<I64Attr>:$plus);
  let assemblyFormat = [{
    $sizes `left` $left (`transposed_left` $transposed_left^)? `right` $right (`transposed_right` $transposed_right^)? `into` $into `at` $at
    `scale` $scale (`plus` $plus^)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // QFA_PROGRAM_OPS_TD
