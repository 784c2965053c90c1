// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.state gradient @"model.norm.weight.gradient" : !qfa.buffer<16xf32>

// CHECK-LABEL: func.func @state_ref
func.func @state_ref() {
  // CHECK: %{{.*}} = qfa.state_ref @model.norm.weight.gradient : <16xf32>
  %g = qfa.state_ref @"model.norm.weight.gradient" : !qfa.buffer<16xf32>
  return
}
