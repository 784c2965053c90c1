// What a decoder computes. Activations are [batch, sequence, features]; heads lie side by side in the features.
#ifndef QFA_MODEL_OPS_TD
#define QFA_MODEL_OPS_TD

include "qfa/Dialect/QfaDialect.td"
include "qfa/Dialect/QfaInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Qfa_GateKind : I32EnumAttr<"GateKind", "activation of the gate", [
  I32EnumAttrCase<"silu", 0>, I32EnumAttrCase<"gelu", 1>, I32EnumAttrCase<"gelu_tanh", 2>]> {
  let cppNamespace = "::qfa";
  let genSpecializedAttr = 0;
}

def Qfa_ParameterOp : Qfa_Op<"parameter", [Symbol]> {
  let summary = "a weight of the model: shape, storage type and where its bytes lie, never the bytes";
  let description = [{
    The value is f32 of shape `type`, in logical order ([out, in] for matrices). `storage` is the element type in the file. With
    `transposed` the file holds the transpose of `type`. A parameter without a file (`file` empty) is found by its name in the
    program's weight file. With `rounded` the value is rounded to that type before anything reads it, and a subnet's file holds it so:
    what is trained with is what is deployed.

    Constraints: (parameter_c1) `type` is static and f32; (parameter_c2) `bytes` is the size of `type` in `storage`;
    (parameter_c3) `transposed` needs rank 2; (parameter_c4) `rounded` is f16.

    Example:
    ```mlir
    qfa.parameter @"lm_head.weight" : tensor<2048x128xf32> {file = "model.onnx.data", offset = 4096 : i64, bytes = 524288 : i64, storage = f16}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, DefaultValuedStrAttr<StrAttr, "">:$file,
    DefaultValuedAttr<I64Attr, "0">:$offset, DefaultValuedAttr<I64Attr, "0">:$bytes, TypeAttr:$storage, UnitAttr:$transposed,
    OptionalAttr<TypeAttr>:$rounded);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

def Qfa_WeightOp : Qfa_Op<"weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a parameter";
  let description = [{
    Constraints: (weight_c1) the symbol is a parameter of the result's type.

    Example: `%w = qfa.weight @"lm_head.weight" : tensor<2048x128xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs Qfa_F32Tensor:$result);
  let assemblyFormat = "$parameter `:` type($result) attr-dict";
}

def Qfa_EmbeddingOp : Qfa_Op<"embedding", [Pure, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "rows of a table";
  let description = [{
    result[b, s, :] = table[ids[b, s], :]. An identifier outside the table is undefined; the runtime checks its data.

    Constraints: (embedding_c1) the result is [batch, sequence, columns of the table].

    Example: `%x = qfa.embedding %ids, %table : tensor<2x8xi32>, tensor<32x16xf32> -> tensor<2x8x16xf32>`
  }];
  let arguments = (ins Qfa_Tokens:$ids, Qfa_Weight:$table);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` type($ids) `,` type($table) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_RmsNormOp : Qfa_Op<"rms_norm", [Pure, AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "root-mean-square normalization over the last dimension";
  let description = [{
    result = x / sqrt(mean(x^2) + epsilon) * gain.

    Constraints: (rms_norm_c1) gain is [features of x]; (rms_norm_c2) epsilon is not negative.

    Example: `%y = qfa.rms_norm %x, %gain {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Qfa_F32Tensor:$gain, F32Attr:$epsilon);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$x `,` $gain attr-dict `:` type($x) `,` type($gain)";
  let hasVerifier = 1;
}

def Qfa_LinearOp : Qfa_Op<"linear", [Pure, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "x times the transpose of a weight, plus the adapter's contribution";
  let description = [{
    result[b, s, n] = sum_k x[b, s, k] * weight[n, k] + sum_r adapter[b, s, r] * B[n, r], where `adapter` is the result of
    `qfa.adapter_down` for the same elastic weight and B its up matrix.

    Constraints: (linear_c1) the weight is [out, features of x]; (linear_c2) an adapter needs an elastic weight of its rank;
    (linear_c3) the result is [batch, sequence, out].

    Example: `%y = qfa.linear %x, %w : tensor<2x8x16xf32>, tensor<32x16xf32> -> tensor<2x8x32xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Qfa_Weight:$weight, Optional<Qfa_Activation>:$adapter);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$x `,` $weight (`adapter` `(` $adapter^ `:` type($adapter) `)`)? attr-dict `:` type($x) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_RopeOp : Qfa_Op<"rope", [Pure, AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "rotary position embedding of every head";
  let description = [{
    The first 2 d features of each head, d = size of `inverse_frequencies`, are rotated in pairs by position * frequency and
    multiplied by `scaling`; the rest is copied. Pair i is (i, i + d), or (2 i, 2 i + 1) with `interleaved`. The position of
    x[b, s] is s, or s + position with the operand. `inverse` rotates backwards (the derivative).

    Constraints: (rope_c1) num_heads divides the features; (rope_c2) 2 d is at most the head's width.

    Example: `%y = qfa.rope %x {num_heads = 2 : i64, inverse_frequencies = dense<[1.0, 0.01]> : tensor<2xf64>, scaling = 1.0 : f32} : tensor<1x8x16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Optional<Qfa_Index>:$position, I64Attr:$num_heads,
    ElementsAttr:$inverse_frequencies, DefaultValuedAttr<F32Attr, "1.0f">:$scaling, UnitAttr:$interleaved, UnitAttr:$inverse);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$x (`at` $position^ `:` type($position))? attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Qfa_AttentionOp : Qfa_Op<"attention", [Pure, AllTypesMatch<["q", "result"]>, AllTypesMatch<["k", "v"]>, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "causal softmax attention with grouped key/value heads";
  let description = [{
    Per batch and query head h with key/value head h / (num_heads / num_kv_heads): score[i, j] = scale * q_i . k_j, soft-capped
    to softcap * tanh(score / softcap) when given, over j <= i (and j > i - window when given); result_i = sum_j softmax(score)[i, j] v_j.
    `log_sum_exp` [batch, num_heads, sequence] is the logarithm of the softmax's denominator.

    Constraints: (attention_c1) num_heads divides the features of q and num_kv_heads those of k, with equal head widths;
    (attention_c2) num_kv_heads divides num_heads; (attention_c3) q, k and v agree in batch and sequence;
    (attention_c4) window and softcap are positive.

    Example:
    ```mlir
    %y, %lse = qfa.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
        : tensor<1x8x16xf32>, tensor<1x8x8xf32> -> tensor<1x4x8xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$q, Qfa_Activation:$k, Qfa_Activation:$v, I64Attr:$num_heads, I64Attr:$num_kv_heads,
    F32Attr:$scale, OptionalAttr<I64Attr>:$window, OptionalAttr<F32Attr>:$softcap);
  let results = (outs Qfa_Activation:$result, Qfa_F32Tensor:$log_sum_exp);
  let assemblyFormat = "$q `,` $k `,` $v attr-dict `:` type($q) `,` type($k) `->` type($log_sum_exp)";
  let hasVerifier = 1;
}

def Qfa_CachedAttentionOp : Qfa_Op<"cached_attention", [AllTypesMatch<["q", "result"]>, AllTypesMatch<["k", "v"]>, AllTypesMatch<["key_cache", "value_cache"]>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "causal attention that appends to a key and a value cache";
  let description = [{
    Writes k and v to rows position .. position + sequence - 1 of the caches [context, features of k], then attends as
    `qfa.attention` with query i at position + i over all rows up to its own. Batch is 1.

    Constraints: (cached_attention_c1) as attention_c1 to attention_c4; (cached_attention_c2) the caches are [context, features of k];
    (cached_attention_c3) batch is 1.

    Example:
    ```mlir
    %y = qfa.cached_attention %q, %k, %v, %position, %keys, %values {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
        : tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1xi32>, !qfa.buffer<64x8xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$q, Qfa_Activation:$k, Qfa_Activation:$v, Qfa_Index:$position,
    Qfa_BufferType:$key_cache, Qfa_BufferType:$value_cache, I64Attr:$num_heads, I64Attr:$num_kv_heads, F32Attr:$scale,
    OptionalAttr<I64Attr>:$window, OptionalAttr<F32Attr>:$softcap);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$q `,` $k `,` $v `,` $position `,` $key_cache `,` $value_cache attr-dict `:` type($q) `,` type($k) `,` type($position) `,` type($key_cache)";
  let hasVerifier = 1;
}

def Qfa_GatedActivationOp : Qfa_Op<"gated_activation", [Pure, AllTypesMatch<["gate", "up", "result"]>, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "activation(gate) * up";
  let description = [{
    Kinds: silu x / (1 + exp(-x)); gelu x * (1 + erf(x / sqrt 2)) / 2; gelu_tanh, its approximation by tanh.

    Example: `%y = qfa.gated_activation silu %gate, %up : tensor<2x8x32xf32>`
  }];
  let arguments = (ins EnumAttr<Qfa_Dialect, Qfa_GateKind, "gate_kind">:$kind, Qfa_Activation:$gate, Qfa_Activation:$up);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$kind $gate `,` $up attr-dict `:` type($gate)";
}

def Qfa_SelectTokenOp : Qfa_Op<"select_token", [Pure, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "one token's features of every batch row";
  let description = [{
    result[b, 0, :] = x[b, index, :].

    Constraints: (select_token_c1) the result is [batch, 1, features].

    Example: `%y = qfa.select_token %x at %index : tensor<1x8x16xf32>, tensor<1xi32> -> tensor<1x1x16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Qfa_Index:$index);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$x `at` $index attr-dict `:` type($x) `,` type($index) `->` type($result)";
  let hasVerifier = 1;
}

#endif // QFA_MODEL_OPS_TD
