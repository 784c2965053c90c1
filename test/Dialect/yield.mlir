// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

qfa.kernel @copy {
^bb0(%c: tensor<2x8x16xf32>):
  // CHECK: qfa.yield %{{.*}} : tensor<2x8x16xf32>
  qfa.yield %c : tensor<2x8x16xf32>
}
// Tests a kernel without results.
qfa.kernel @nothing {
^bb0(%a: tensor<2xf32>):
  // CHECK: qfa.yield
  qfa.yield
}
