// What makes a model trainable: loss, gradients, optimizer.
#ifndef QFA_TRAINING_OPS_TD
#define QFA_TRAINING_OPS_TD

include "qfa/Dialect/QfaModelOps.td"

def Qfa_CrossEntropyOp : Qfa_Op<"cross_entropy", [Pure, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "next-token cross-entropy of a linear head, without the logits ever being whole";
  let description = [{
    For every token with label >= 0: loss = log sum_v exp(h . w_v) - h . w_label. `loss` [batch, sequence] is each token's own,
    0 for the others (who sums chooses the order); `log_sum_exp` [batch, sequence] the first term; `gradient` [batch, sequence,
    features], present in training functions, the derivative of the sum of all losses with respect to h. All of it is computed in one walk over the vocabulary with a running
    maximum, so the gradient needs no second product with the head. The derivative rule multiplies by no cotangent: the loss
    must be the function's only root, its cotangent is 1.

    Constraints: (cross_entropy_c1) the weight is [vocabulary, features of h]; (cross_entropy_c2) labels, loss and
    log_sum_exp are [batch, sequence]; (cross_entropy_c3) gradient has the type of h.

    Example:
    ```mlir
    %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32> -> tensor<2x8xf32>, tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$h, Qfa_Weight:$weight, Qfa_Tokens:$labels);
  let results = (outs Qfa_F32Tensor:$loss, Qfa_F32Tensor:$log_sum_exp, Optional<Qfa_Activation>:$gradient);
  let assemblyFormat = "$h `,` $weight `,` $labels attr-dict `:` type($h) `,` type($weight) `,` type($labels) `->` type($loss) `,` type($log_sum_exp) (`,` type($gradient)^)?";
  let hasVerifier = 1;
}

def Qfa_CrossEntropyWeightGradOp : Qfa_Op<"cross_entropy_weight_grad", [DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "adds the gradient of cross_entropy with respect to its head to a buffer";
  let description = [{
    into[v, :] += sum over tokens of (softmax(h . w)_v - [label = v]) h.

    Constraints: (cross_entropy_weight_grad_c1) the buffer has the shape of the weight, [vocabulary, features of h];
    (cross_entropy_weight_grad_c2) labels and log_sum_exp are [batch, sequence].

    Example:
    ```mlir
    qfa.cross_entropy_weight_grad %h, %w, %labels, %lse into %g : tensor<2x8x16xf32>, tensor<32x16xf32>, tensor<2x8xi32>, tensor<2x8xf32>, !qfa.buffer<32x16xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$h, Qfa_F32Tensor:$weight, Qfa_Tokens:$labels, Qfa_F32Tensor:$log_sum_exp, Qfa_BufferType:$into);
  let assemblyFormat = "$h `,` $weight `,` $labels `,` $log_sum_exp `into` $into attr-dict `:` type($h) `,` type($weight) `,` type($labels) `,` type($log_sum_exp) `,` type($into)";
  let hasVerifier = 1;
}

def Qfa_LinearGradOp : Qfa_Op<"linear_grad", [Pure, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "gradient of linear with respect to its input and its adapter input";
  let description = [{
    dx = dy W, plus `addend` when given; dadapter = dy B when the linear has an adapter. Both come from one product with [W | B].

    Constraints: (linear_grad_c1) the weight is [features of dy, features of dx]; (linear_grad_c2) dadapter has the rank of an elastic
    weight; (linear_grad_c3) an addend has the type of dx.

    Example: `%dx = qfa.linear_grad %dy, %w : tensor<2x8x32xf32>, tensor<32x16xf32> -> tensor<2x8x16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$dy, Qfa_Weight:$weight, Optional<Qfa_Activation>:$addend);
  let results = (outs Qfa_Activation:$dx, Optional<Qfa_Activation>:$dadapter);
  let assemblyFormat = "$dy `,` $weight (`plus` $addend^ `:` type($addend))? attr-dict `:` type($dy) `,` type($weight) `->` type($dx) (`,` type($dadapter)^)?";
  let hasVerifier = 1;
}

def Qfa_AccumulateOuterOp : Qfa_Op<"accumulate_outer", [DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "adds a sum of outer products over all tokens to a buffer: the gradient of a weight";
  let description = [{
    into[n, m] += scale * sum over tokens of left[.., n] * right[.., m].

    Constraints: (accumulate_outer_c1) the buffer is [features of left, features of right]; (accumulate_outer_c2) left and right agree in
    batch and sequence.

    Example: `qfa.accumulate_outer %dy, %x into %g {scale = 1.0 : f32} : tensor<2x8x32xf32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$left, Qfa_Activation:$right, Qfa_BufferType:$into, F32Attr:$scale);
  let assemblyFormat = "$left `,` $right `into` $into attr-dict `:` type($left) `,` type($right) `,` type($into)";
  let hasVerifier = 1;
}

def Qfa_RmsNormGradOp : Qfa_Op<"rms_norm_grad", [Pure, AllTypesMatch<["x", "dy", "dx"]>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "gradient of rms_norm with respect to its input";
  let description = [{
    With r = 1 / sqrt(mean(x^2) + epsilon) and d = gain * dy: dx = r * (d - x * r^2 * mean(d * x)), plus `addend` when given.

    Constraints: (rms_norm_grad_c1) gain is [features of x]; (rms_norm_grad_c2) an addend has the type of x.

    Example: `%dx = qfa.rms_norm_grad %x, %gain, %dy {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, tensor<16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Qfa_F32Tensor:$gain, Qfa_Activation:$dy, Optional<Qfa_Activation>:$addend, F32Attr:$epsilon);
  let results = (outs Qfa_Activation:$dx);
  let assemblyFormat = "$x `,` $gain `,` $dy (`plus` $addend^ `:` type($addend))? attr-dict `:` type($x) `,` type($gain)";
  let hasVerifier = 1;
}

def Qfa_RmsNormGainGradOp : Qfa_Op<"rms_norm_gain_grad", [AllTypesMatch<["x", "dy"]>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "adds the gradient of rms_norm with respect to its gain to a buffer";
  let description = [{
    into += sum over tokens of dy * x / sqrt(mean(x^2) + epsilon).

    Constraints: (rms_norm_gain_grad_c1) the buffer is [features of x].

    Example: `qfa.rms_norm_gain_grad %x, %dy into %g {epsilon = 1.0e-05 : f32} : tensor<2x8x16xf32>, !qfa.buffer<16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, Qfa_Activation:$dy, Qfa_BufferType:$into, F32Attr:$epsilon);
  let assemblyFormat = "$x `,` $dy `into` $into attr-dict `:` type($x) `,` type($into)";
  let hasVerifier = 1;
}

def Qfa_EmbeddingGradOp : Qfa_Op<"embedding_grad", [DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "adds the gradient of embedding with respect to its table to a buffer";
  let description = [{
    into[ids[b, s], :] += dy[b, s, :], in the order of the tokens.

    Constraints: (embedding_grad_c1) the buffer is [rows, features of dy]; (embedding_grad_c2) ids and dy agree in batch and sequence.

    Example: `qfa.embedding_grad %ids, %dy into %g : tensor<2x8xi32>, tensor<2x8x16xf32>, !qfa.buffer<32x16xf32>`
  }];
  let arguments = (ins Qfa_Tokens:$ids, Qfa_Activation:$dy, Qfa_BufferType:$into);
  let assemblyFormat = "$ids `,` $dy `into` $into attr-dict `:` type($ids) `,` type($dy) `,` type($into)";
  let hasVerifier = 1;
}

def Qfa_AttentionGradOp : Qfa_Op<"attention_grad", [Pure, AllTypesMatch<["q", "result", "dresult", "dq"]>, AllTypesMatch<["k", "v", "dk", "dv"]>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "gradients of attention with respect to q, k and v, with the scores computed again";
  let description = [{
    Attributes as in `qfa.attention`, whose result and log_sum_exp come in.

    Constraints: (attention_grad_c1) as those of `qfa.attention`.

    Example:
    ```mlir
    %dq, %dk, %dv = qfa.attention_grad %q, %k, %v, %y, %lse, %dy {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.5 : f32}
        : tensor<1x8x16xf32>, tensor<1x8x8xf32>, tensor<1x4x8xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$q, Qfa_Activation:$k, Qfa_Activation:$v, Qfa_Activation:$result, Qfa_F32Tensor:$log_sum_exp,
    Qfa_Activation:$dresult, I64Attr:$num_heads, I64Attr:$num_kv_heads, F32Attr:$scale, OptionalAttr<I64Attr>:$window, OptionalAttr<F32Attr>:$softcap);
  let results = (outs Qfa_Activation:$dq, Qfa_Activation:$dk, Qfa_Activation:$dv);
  let assemblyFormat = "$q `,` $k `,` $v `,` $result `,` $log_sum_exp `,` $dresult attr-dict `:` type($q) `,` type($k) `,` type($log_sum_exp)";
  let hasVerifier = 1;
}

def Qfa_GatedActivationGradOp : Qfa_Op<"gated_activation_grad", [Pure, AllTypesMatch<["gate", "up", "dy", "dgate", "dup"]>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "gradients of gated_activation with respect to gate and up";
  let description = [{
    Example: `%dgate, %dup = qfa.gated_activation_grad silu %gate, %up, %dy : tensor<2x8x32xf32>`
  }];
  let arguments = (ins EnumAttr<Qfa_Dialect, Qfa_GateKind, "gate_kind">:$kind, Qfa_Activation:$gate, Qfa_Activation:$up, Qfa_Activation:$dy);
  let results = (outs Qfa_Activation:$dgate, Qfa_Activation:$dup);
  let assemblyFormat = "$kind $gate `,` $up `,` $dy attr-dict `:` type($gate)";
}

def Qfa_GradientNormOp : Qfa_Op<"gradient_norm", [DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "sum of the squares of a buffer";
  let description = [{
    result[0] = sum of squares of all elements, in f32 with an order that does not depend on the threads.

    Constraints: (gradient_norm_c1) the result is [1].

    Example: `%n = qfa.gradient_norm %g : !qfa.buffer<1024xf32> -> tensor<1xf32>`
  }];
  let arguments = (ins Qfa_BufferType:$buffer);
  let results = (outs Qfa_F32Tensor:$result);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_AdamwOp : Qfa_Op<"adamw", [DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "one AdamW step of a trained tensor";
  let description = [{
    With g = gradient * hyper[6]: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; value -= lr * (m / c1 / (sqrt(v / c2) + eps) + wd * value).
    value, m, v and the bias corrections c1 = 1 - b1^t, c2 = 1 - b2^t come from the row of the trainable, which keeps its own step count t.
    hyper is [lr, b1, b2, eps, wd, unused, gradient scale, unused].

    Constraints: (adamw_c1) buffer and trainable have one shape; (adamw_c2) hyper is [8].

    Example: `qfa.adamw %t, %g, %hyper : !qfa.trainable<16x9xf32>, !qfa.buffer<16x9xf32>, tensor<8xf32>`
  }];
  let arguments = (ins Qfa_TrainableType:$trainable, Qfa_BufferType:$gradient, Qfa_F32Tensor:$hyper);
  let assemblyFormat = "$trainable `,` $gradient `,` $hyper attr-dict `:` type($trainable) `,` type($gradient) `,` type($hyper)";
  let hasVerifier = 1;
}

#endif // QFA_TRAINING_OPS_TD
