// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=32" 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=7" 2>&1 | FileCheck %s --check-prefix=SEVEN
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=some" 2>&1 | FileCheck %s --check-prefix=SOME
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=0" 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="bits=2,5" 2>&1 | FileCheck %s --check-prefix=FIVE
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="bits=4,2" 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="granularity=layer" 2>&1 | FileCheck %s --check-prefix=GRANULARITY
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="rank=-1" 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="alpha=0" 2>&1 | FileCheck %s --check-prefix=ALPHA
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="embedding-bits=6" 2>&1 | FileCheck %s --check-prefix=EMBEDDING
// RUN: qfa-opt %s --qfa-build-supernet --split-input-file --verify-diagnostics

// GROUP: tiny-llama.mlir:[[#]]:[[#]]: error: group size 32 does not divide input width 48 of model.layers.0.mlp.down_proj; sizes that fit: 16; auto takes 16
// GROUP-NOT: error:
// GROUP: note: the same holds for 1 more layers
// SEVEN: error: group size 7 does not divide input width 32 of model.layers.0.self_attn.q_proj; sizes that fit: 16, 32; auto takes 32
// SOME: error: group size 'some' is neither a positive number nor auto
// ZERO: error: group size '0' is neither a positive number nor auto
// FIVE: error: bit width 5 is not one of 2, 3, 4, 8
// ORDER: error: bit widths must ascend, found 4 before 2
// GRANULARITY: error: granularity 'layer' is not one of linear, group, block
// RANK: error: adapter rank -1 is negative
// ALPHA: error: adapter strength 0.000000e+00 is not positive
// EMBEDDING: error: embedding bit width 6 is not one of 2, 3, 4, 8, 16

// expected-error @below {{module has no function @forward}}
module {
}

// -----

func.func @forward(%x: tensor<?x?x64xf32>, %w: tensor<8x64xf32>) -> tensor<?x?x8xf32> {
  // expected-error @below {{weight is not the value of a parameter}}
  %logits = qfa.linear %x, %w : tensor<?x?x64xf32>, tensor<8x64xf32> -> tensor<?x?x8xf32>
  return %logits : tensor<?x?x8xf32>
}
