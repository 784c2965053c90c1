// RUN: qfa-opt %s -split-input-file -verify-diagnostics

func.func @group_pool_c1(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{group size 3 does not divide 16 features}}
  %u = qfa.group_pool %x {group = 3 : i64} : tensor<2x8x16xf32> -> tensor<2x8x5xf32>
  return
}

// -----

func.func @group_pool_c1_zero(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{group size 0 does not divide 16 features}}
  %u = qfa.group_pool %x {group = 0 : i64} : tensor<2x8x16xf32> -> tensor<2x8x5xf32>
  return
}

// -----

func.func @group_pool_c1_result(%x: tensor<2x8x16xf32>) {
  // expected-error @+1 {{result has shape [2, 8, 8], wanted [2, 8, 2]}}
  %u = qfa.group_pool %x {group = 8 : i64} : tensor<2x8x16xf32> -> tensor<2x8x8xf32>
  return
}
