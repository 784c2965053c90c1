// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4 alpha=1" --qfa-build-functions="batch=2 sequence=4" --qfa-differentiate --qfa-fold-gradient-sums --qfa-plan-recompute -o %t.keep.mlir
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4 alpha=1" --qfa-build-functions="batch=2 sequence=4" --qfa-differentiate --qfa-fold-gradient-sums --qfa-plan-recompute="activation-memory=19000" -o %t.cheap.mlir
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=4 alpha=1" --qfa-build-functions="batch=2 sequence=4" --qfa-differentiate --qfa-fold-gradient-sums --qfa-plan-recompute="activation-memory=5000" --cse -o %t.blocks.mlir
// RUN: qfa-interpret %t.keep.mlir --check-gradients --seed=3 | FileCheck %s
// RUN: qfa-interpret %t.cheap.mlir --check-gradients --seed=4 --bits=2 | FileCheck %s
// RUN: qfa-interpret %t.blocks.mlir --check-gradients --seed=5 --bits=3 | FileCheck %s
// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="batch=2 sequence=4" --qfa-differentiate=method=full --qfa-fold-gradient-sums --qfa-plan-recompute="activation-memory=5000" | qfa-interpret - --check-gradients | FileCheck %s --check-prefix=FULL

// Tests that the gradients of a whole model agree with differences of its loss, whatever is recomputed.
// CHECK: gradients of 28 trainables agree
// FULL: gradients of 20 trainables agree
