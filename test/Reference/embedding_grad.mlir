// RUN: qfa-interpret %s --print-states | FileCheck %s

// Tests that the rows of an identifier that comes twice add up.
qfa.state gradient @g : !qfa.buffer<3x2xf32>

func.func @main() {
  %ids = arith.constant dense<[[2, 0, 2]]> : tensor<1x3xi32>
  %dy = arith.constant dense<[[[0.5, -0.5], [-0.75, -0.5], [0.25, 0.0]]]> : tensor<1x3x2xf32>
  %g = qfa.state_ref @g : !qfa.buffer<3x2xf32>
  qfa.embedding_grad %ids, %dy into %g : tensor<1x3xi32>, tensor<1x3x2xf32>, !qfa.buffer<3x2xf32>
  return
}

// CHECK: state g: {{\[\[}}-0.75, -0.5], [0, 0], [0.75, -0.5]]
