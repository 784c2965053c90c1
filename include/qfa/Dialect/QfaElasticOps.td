// What makes a model a supernet: sites with a bit choice, elastic weights, adapters.
#ifndef QFA_ELASTIC_OPS_TD
#define QFA_ELASTIC_OPS_TD

include "qfa/Dialect/QfaModelOps.td"

def Qfa_SiteOp : Qfa_Op<"site", [Symbol]> {
  let summary = "a place with a bit choice: one linear layer or a tied group of them";
  let description = [{
    Constraints: (site_c1) bits are ascending, distinct and among 2, 3, 4, 8.

    Example: `qfa.site @"model.layers.0.self_attn.qkv" bits [2, 3, 4]`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DenseI64ArrayAttr:$bits);
  let assemblyFormat = "$sym_name `bits` $bits attr-dict";
  let hasVerifier = 1;
}

def Qfa_ElasticOp : Qfa_Op<"elastic", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a linear layer that exists at every width of its site";
  let description = [{
    A row of the site table. The copies are made from `parameter` [out, in]. `alpha` is the adapter's strength: its product is
    multiplied by alpha / rank, on inputs summed over each group (arXiv 2309.14717).

    Constraints: (elastic_c1) `parameter` is a parameter [out, in] of `type`; (elastic_c2) `site` is a site with the bits of `type`.

    Example:
    ```mlir
    qfa.elastic @"model.layers.0.self_attn.q_proj" of @"model.layers.0.self_attn.q_proj.weight" at @"model.layers.0.self_attn.qkv"
        : !qfa.elastic<16x16, bits = [2, 3, 4], group = 8, rank = 4, scales = f32> {alpha = 16.0 : f32}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$parameter, FlatSymbolRefAttr:$site, TypeAttrOf<Qfa_ElasticType>:$type,
    DefaultValuedAttr<F32Attr, "16.0f">:$alpha);
  let assemblyFormat = "$sym_name `of` $parameter `at` $site `:` $type attr-dict";
}

def Qfa_ElasticRefOp : Qfa_Op<"elastic_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the row of an elastic weight";
  let description = [{
    Constraints: (elastic_ref_c1) the symbol is an elastic weight of the result's type.

    Example: `%w = qfa.elastic_ref @"lm_head" : !qfa.elastic<32x16, bits = [8], group = 8, rank = 0, scales = f32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$elastic);
  let results = (outs Qfa_ElasticType:$result);
  let assemblyFormat = "$elastic `:` type($result) attr-dict";
}

def Qfa_GroupPoolOp : Qfa_Op<"group_pool", [Pure, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "sums of groups of neighbouring features";
  let description = [{
    result[.., j] = sum of x[.., j * group .. (j + 1) * group - 1].

    Constraints: (group_pool_c1) group divides the features of x and the result is [batch, sequence, features / group].

    Example: `%u = qfa.group_pool %x {group = 8 : i64} : tensor<2x8x16xf32> -> tensor<2x8x2xf32>`
  }];
  let arguments = (ins Qfa_Activation:$x, I64Attr:$group);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_GroupUnpoolOp : Qfa_Op<"group_unpool", [Pure, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "every feature repeated `group` times: the derivative of group_pool";
  let description = [{
    result[.., k] = u[.., k / group], plus `addend` [.., k] when given.

    Constraints: (group_unpool_c1) the result has group times the features of u; an addend has the result's type.

    Example: `%x = qfa.group_unpool %u {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>`
  }];
  let arguments = (ins Qfa_Activation:$u, Optional<Qfa_Activation>:$addend, I64Attr:$group);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$u (`plus` $addend^ `:` type($addend))? attr-dict `:` type($u) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_AdapterDownOp : Qfa_Op<"adapter_down", [Pure, DeclareOpInterfaceMethods<Qfa_DifferentiableOpInterface>, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "the down product of the adapter in force";
  let description = [{
    result = scale * u A^T with A [rank, groups] of the width in force (QA-LoRA, arXiv 2309.14717).

    Constraints: (adapter_down_c1) u is [batch, sequence, groups of the weight] and the result [batch, sequence, rank].

    Example:
    ```mlir
    %xa = qfa.adapter_down %u, %w {scale = 0.5 : f32} : tensor<2x8x2xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$u, Qfa_ElasticType:$weight, F32Attr:$scale);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$u `,` $weight attr-dict `:` type($u) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Qfa_AdapterDownGradOp : Qfa_Op<"adapter_down_grad", [Pure, DeclareOpInterfaceMethods<Qfa_KernelOpInterface>]> {
  let summary = "gradient of adapter_down with respect to its input";
  let description = [{
    result = scale * dy A.

    Constraints: (adapter_down_grad_c1) dy is [batch, sequence, rank] and the result [batch, sequence, groups of the weight].

    Example:
    ```mlir
    %du = qfa.adapter_down_grad %dy, %w {scale = 0.5 : f32} : tensor<2x8x4xf32>, !qfa.elastic<32x16, bits = [2, 4], group = 8, rank = 4, scales = f32> -> tensor<2x8x2xf32>
    ```
  }];
  let arguments = (ins Qfa_Activation:$dy, Qfa_ElasticType:$weight, F32Attr:$scale);
  let results = (outs Qfa_Activation:$result);
  let assemblyFormat = "$dy `,` $weight attr-dict `:` type($dy) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

#endif // QFA_ELASTIC_OPS_TD
