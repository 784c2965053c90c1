// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// CHECK-LABEL: func.func @state_all
func.func @state_all() {
  // CHECK: %{{.*}} = qfa.state_all  gradient : <4096xf32>
  %g = qfa.state_all gradient : !qfa.buffer<4096xf32>
  // CHECK: %{{.*}} = qfa.state_all  cache : <64xf32>
  %c = qfa.state_all cache : !qfa.buffer<64xf32>
  return
}
