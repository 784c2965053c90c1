// Passes of the Schedule stage: the bit configuration becomes data or constants.
#ifndef QFA_SCHEDULE_PASSES_TD
#define QFA_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def SpecializeBits : Pass<"qfa-specialize-bits", "::mlir::ModuleOp"> {
  let summary = "turn the bit choice of every site into a row of a table, or into a constant";
  let description = [{
    Mode `table`, for training: all configurations share one program, which reads the width in force from the site table. Nothing
    is rewritten: rows of the table are in the order of the module. The module gets `qfa.mode` and `qfa.sampler`.

    Mode `static`, for a subnet: every site keeps the one width that the configuration gives it, elastic weights lose their
    adapters (which extraction merges into the zeros), pools and adapter products go away, and so do symbols that nothing refers
    to any more. The configuration comes as `site=bits` pairs or from a subnet's JSON file (key `configuration`). It must name
    every site that has a choice; a site without choice may be named.

    Static mode needs a program without trainables.

    Example (mode=static configuration=model.layers.0.mlp.down=3 scale-type=f16):
    ```mlir
    qfa.site @"model.layers.0.mlp.down" bits [3]
    qfa.elastic @"model.layers.0.mlp.down_proj" of @"model.layers.0.mlp.down_proj.weight" at @"model.layers.0.mlp.down"
        : !qfa.elastic<32x48, bits = [3], group = 16, rank = 0, scales = f16>
    %y = qfa.linear %x, %w : tensor<2x8x48xf32>, !qfa.elastic<32x48, bits = [3], group = 16, rank = 0, scales = f16> -> tensor<2x8x32xf32>
    ```
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"table\"", "table or static">,
    ListOption<"configuration", "configuration", "std::string", "Bits of every site as site=bits (static)">,
    Option<"file", "file", "std::string", "\"\"", "A subnet's JSON file with the configuration (static)">,
    Option<"scaleType", "scale-type", "std::string", "\"f16\"", "Type of scales and zeros: f16 or f32 (static)">,
    Option<"sampler", "sampler", "std::string", "\"resource-balanced\"", "How configurations are drawn: resource-balanced or uniform (table)">,
  ];
  let dependentDialects = ["::qfa::QfaDialect"];
}

#endif // QFA_SCHEDULE_PASSES_TD
