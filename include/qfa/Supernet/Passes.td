// Passes of the Supernet stage: linear layers become elastic weights at sites with a bit choice.
#ifndef QFA_SUPERNET_PASSES_TD
#define QFA_SUPERNET_PASSES_TD

include "mlir/Pass/PassBase.td"

def BuildSupernet : Pass<"qfa-build-supernet", "::mlir::ModuleOp"> {
  let summary = "make every linear layer exist at several bit widths, each with an adapter";
  let description = [{
    Needs @forward as Import leaves it: weights are `qfa.weight`s of parameters, and the last `qfa.linear` is the head.

    Every linear layer of a block gets a `qfa.elastic` row, and layers that must agree in their bits share a `qfa.site`: with
    granularity `group` the layers that read the same value ({q, k, v}, {gate, up}), with `block` all layers of a block, with
    `linear` none. Each distinct input is pooled once per group size, and each layer adds its adapter's product. The table of
    the embedding and the head become elastic at the one width `embedding-bits`, without adapter; with 16 they stay parameters,
    rounded to f16.
    A tied pair is one row.

    Names: a row has the name of its parameter without `.weight`, a site joins the names of its layers without `_proj`
    (`model.layers.0.self_attn.qkv`, `model.layers.0.self_attn.o`) or is the block (`model.layers.0`); where a row has that name
    already, the site ends in `.site`.

    A group size must divide the input widths of the blocks. `auto` takes, per layer, the first of 64, 32, 16 that does, else
    the largest divisor from 8 to 64, else the whole row; the embedding falls back on that with any group size.

    Parameters stay, as the sources of the copies. Layers that are elastic already are left alone.

    Example:
    ```mlir
    %w = qfa.weight @"model.layers.0.mlp.down_proj.weight" : tensor<32x48xf32>
    %y = qfa.linear %x, %w : tensor<?x?x48xf32>, tensor<32x48xf32> -> tensor<?x?x32xf32>
    // becomes, with group-size=16 rank=4
    qfa.site @"model.layers.0.mlp.down" bits [2, 3, 4]
    qfa.elastic @"model.layers.0.mlp.down_proj" of @"model.layers.0.mlp.down_proj.weight" at @"model.layers.0.mlp.down"
        : !qfa.elastic<32x48, bits = [2, 3, 4], group = 16, rank = 4, scales = f32>
    %w = qfa.elastic_ref @"model.layers.0.mlp.down_proj" : !qfa.elastic<...>
    %u = qfa.group_pool %x {group = 16 : i64} : tensor<?x?x48xf32> -> tensor<?x?x3xf32>
    %a = qfa.adapter_down %u, %w {scale = 4.0 : f32} : tensor<?x?x3xf32>, !qfa.elastic<...> -> tensor<?x?x4xf32>
    %y = qfa.linear %x, %w adapter(%a : tensor<?x?x4xf32>) : tensor<?x?x48xf32>, !qfa.elastic<...> -> tensor<?x?x32xf32>
    ```
  }];
  let options = [
    ListOption<"bits", "bits", "int64_t", "Bit widths of every site, ascending (default 2,3,4)">,
    Option<"granularity", "granularity", "std::string", "\"group\"", "What shares a bit choice: linear, group or block">,
    Option<"groupSize", "group-size", "std::string", "\"64\"", "Inputs that share a scale and a zero, or auto">,
    Option<"rank", "rank", "int64_t", "16", "Rank of the adapters, 0 for none">,
    Option<"alpha", "alpha", "double", "16.0", "Strength of the adapters: their product counts alpha / rank times">,
    Option<"embeddingBits", "embedding-bits", "int64_t", "8", "Bit width of embedding and head, 16 to leave them parameters rounded to f16">,
  ];
  let dependentDialects = ["::qfa::QfaDialect"];
}

#endif // QFA_SUPERNET_PASSES_TD
