// Tests that the contract of each stage is checked, and that a breach names the pass that should have prevented it.

// RUN: split-file %s %t
// RUN: not qfa-opt %t/empty.mlir --qfa-verify-stage=stage=import 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: has no function @forward
// NOTHING: note: the import should have dealt with it

// RUN: not qfa-opt %t/import.mlir --qfa-verify-stage=stage=import 2>&1 | FileCheck %s --check-prefix=IMPORT
// IMPORT: error: 'qfa.group_pool' is not a model op
// IMPORT: note: --qfa-onnx-raise should have dealt with it

// RUN: not qfa-opt %t/supernet.mlir --qfa-verify-stage=stage=supernet 2>&1 | FileCheck %s --check-prefix=SUPERNET
// SUPERNET: error: elastic weight 'l' is not used
// SUPERNET: note: --qfa-build-supernet should have dealt with it

// RUN: not qfa-opt %t/import.mlir --qfa-verify-stage=stage=autodiff 2>&1 | FileCheck %s --check-prefix=FORWARD
// FORWARD: error: @forward is still there
// RUN: not qfa-opt %t/dynamic.mlir --qfa-verify-stage=stage=autodiff 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// DYNAMIC: error: has a dynamic shape in entry @eval_step
// RUN: not qfa-opt %t/untrained.mlir --qfa-verify-stage=stage=autodiff 2>&1 | FileCheck %s --check-prefix=UNTRAINED
// UNTRAINED: error: trains nothing
// UNTRAINED: note: --qfa-differentiate should have dealt with it

// RUN: not qfa-opt %t/supernet.mlir --qfa-verify-stage=stage=schedule 2>&1 | FileCheck %s --check-prefix=MODE
// MODE: error: has no mode
// RUN: not qfa-opt %t/several.mlir --qfa-verify-stage=stage=schedule 2>&1 | FileCheck %s --check-prefix=SEVERAL
// SEVERAL: error: elastic weight 'l' has several widths in a subnet
// SEVERAL: note: --qfa-specialize-bits should have dealt with it

// RUN: not qfa-opt %t/untrained.mlir --qfa-verify-stage=stage=lowering 2>&1 | FileCheck %s --check-prefix=LOWERING
// LOWERING: error: 'func.func' is not lowered

// RUN: not qfa-opt %t/empty.mlir --qfa-verify-stage=stage=emit 2>&1 | FileCheck %s --check-prefix=STAGE
// STAGE: error: 'emit' is not a stage with a contract: import, supernet, autodiff, schedule, kernels, lowering

//--- empty.mlir
module {
}

//--- import.mlir
func.func @forward(%x: tensor<1x2x8xf32>) -> tensor<1x2x2xf32> {
  %u = qfa.group_pool %x {group = 4 : i64} : tensor<1x2x8xf32> -> tensor<1x2x2xf32>
  return %u : tensor<1x2x2xf32>
}

//--- supernet.mlir
qfa.parameter @w : tensor<8x8xf32> {storage = f32}
qfa.site @s bits [2, 3]
qfa.elastic @l of @w at @s : !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 0, scales = f32>

//--- several.mlir
module attributes {qfa.mode = "static"} {
  qfa.parameter @w : tensor<8x8xf32> {storage = f32}
  qfa.site @s bits [2, 3]
  qfa.elastic @l of @w at @s : !qfa.elastic<8x8, bits = [2, 3], group = 4, rank = 0, scales = f32>
}

//--- dynamic.mlir
func.func @eval_step(%x: tensor<?x2x8xf32>) -> tensor<?x2x8xf32> {
  %y = arith.negf %x : tensor<?x2x8xf32>
  return %y : tensor<?x2x8xf32>
}

//--- untrained.mlir
func.func @train_step(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  return %x : tensor<1x2x8xf32>
}
