// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @group_unpool_c1(%u: tensor<2x8x2xf32>) {
  // expected-error @+1 {{result has shape [2, 8, 16], wanted [2, 8, 8]}}
  %x = qfa.group_unpool %u {group = 4 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  return
}

// -----

func.func @group_unpool_c1_addend(%u: tensor<2x8x2xf32>, %a: tensor<2x4x16xf32>) {
  // expected-error @+1 {{addend is 'tensor<2x4x16xf32>', wanted 'tensor<2x8x16xf32>'}}
  %x = qfa.group_unpool %u plus %a : tensor<2x4x16xf32> {group = 8 : i64} : tensor<2x8x2xf32> -> tensor<2x8x16xf32>
  return
}
