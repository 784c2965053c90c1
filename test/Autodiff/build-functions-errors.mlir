// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="batch=0" 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="prefill=64 context=32" 2>&1 | FileCheck %s --check-prefix=CONTEXT
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions="functions=test_step" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: qfa-opt %s --qfa-build-functions --split-input-file --verify-diagnostics

// BATCH: error: batch 0 is not positive
// CONTEXT: error: prefill 64 exceeds context 32
// NAME: error: function 'test_step' is not one of train_step, eval_step, logits, prefill, decode

// expected-error @below {{module has no function @forward}}
module {
}

// -----

// expected-error @below {{@forward takes 'tensor<2x?xi32>', wanted 'tensor<?x?xi32>'}}
func.func @forward(%ids: tensor<2x?xi32>) -> tensor<2x?xi32> {
  return %ids : tensor<2x?xi32>
}

// -----

func.func @forward(%ids: tensor<?x?xi32>) -> tensor<?x?xi32> {
  // expected-error @below {{@forward does not return the result of one qfa.linear without adapter}}
  return %ids : tensor<?x?xi32>
}
