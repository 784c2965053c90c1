// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="batch=2 sequence=8 functions=train_step" --qfa-differentiate=method=full -o %t.mlir
// RUN: not qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=6207" 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not qfa-opt %t.mlir --qfa-plan-recompute="activation-memory=-1" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: qfa-opt %s --qfa-plan-recompute --verify-diagnostics

// SMALL: error: activation memory of 6207 bytes is too small for @train_step, the smallest that would do is 6208
// NEGATIVE: error: activation memory -1 is negative

// expected-error @below {{@train_step has no qfa.cross_entropy}}
func.func @train_step() {
  return
}
