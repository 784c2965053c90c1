// RUN: qfa-opt --qfa-onnx-raise --split-input-file %s | FileCheck %s

// Tests rotation by halves: frequencies and scaling are read off what the tables contain, whatever computes them.
// CHECK-LABEL: func.func @halves
// CHECK-SAME:  (%[[X:.*]]: tensor<?x?x8xf32>)
func.func @halves(%arg0: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %in = onnx.from_tensor %arg0 : tensor<?x?x8xf32>
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %length = onnx.shape scalar ["S"]
  %range = onnx.node "Range"(%zero, %length, %one)
  %float = onnx.node "Cast"(%range) {to = 1 : i64}
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %column = onnx.node "Unsqueeze"(%float, %last)
  %frequencies = onnx.constant dense<[[1.0, 0.01]]> : tensor<1x2xf32>
  %half_angles = onnx.node "MatMul"(%column, %frequencies)
  %angles = onnx.node "Concat"(%half_angles, %half_angles) {axis = -1 : i64}
  %scaling = onnx.constant dense<1.5> : tensor<f32>
  %raw_cos = onnx.node "Cos"(%angles)
  %raw_sin = onnx.node "Sin"(%angles)
  %cos = onnx.node "Mul"(%raw_cos, %scaling)
  %sin = onnx.node "Mul"(%raw_sin, %scaling)

  %split = onnx.shape ["B", "S", "2", "4"]
  %join = onnx.shape ["B", "S", "8"]
  %0 = onnx.node "Reshape"(%in, %split)
  %x = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
  %start = onnx.constant dense<0> : tensor<1xi64>
  %middle = onnx.constant dense<2> : tensor<1xi64>
  %end = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %first = onnx.node "Slice"(%x, %start, %middle, %last)
  %second = onnx.node "Slice"(%x, %middle, %end, %last)
  %negative = onnx.node "Neg"(%second)
  %rotated = onnx.node "Concat"(%negative, %first) {axis = -1 : i64}
  %1 = onnx.node "Mul"(%rotated, %sin)
  %2 = onnx.node "Mul"(%x, %cos)
  %3 = onnx.node "Add"(%1, %2)
  %4 = onnx.node "Transpose"(%3) {perm = array<i64: 0, 2, 1, 3>}
  %5 = onnx.node "Reshape"(%4, %join)
  %r = onnx.to_tensor %5 : tensor<?x?x8xf32>
  // CHECK-NEXT: %[[Y:.*]] = qfa.rope %[[X]] {inverse_frequencies = dense<[1.000000e+00, 0.0099999997764825821]> : tensor<2xf64>, num_heads = 2 : i64, scaling = 1.500000e+00 : f32} : tensor<?x?x8xf32>
  // CHECK-NEXT: return %[[Y]]
  return %r : tensor<?x?x8xf32>
}

// -----

// Tests the native operator, interleaved, on features that are not split into heads.
// CHECK-LABEL: func.func @native
func.func @native(%arg0: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x8xf32>
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %length = onnx.shape scalar ["S"]
  %range = onnx.node "Range"(%zero, %length, %one)
  %float = onnx.node "Cast"(%range) {to = 1 : i64}
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %column = onnx.node "Unsqueeze"(%float, %last)
  %frequencies = onnx.constant dense<[[1.0, 0.25]]> : tensor<1x2xf32>
  %angles = onnx.node "Mul"(%column, %frequencies)
  %table = onnx.shape ["B", "S", "2"]
  %all_angles = onnx.node "Expand"(%angles, %table)
  %cos = onnx.node "Cos"(%all_angles)
  %sin = onnx.node "Sin"(%all_angles)
  // CHECK-NEXT: qfa.rope %{{.*}} {interleaved, inverse_frequencies = dense<[1.000000e+00, 2.500000e-01]> : tensor<2xf64>, num_heads = 2 : i64}
  %0 = onnx.node "RotaryEmbedding"(%x, %cos, %sin) {num_heads = 2 : i64, interleaved = 1 : i64}
  %r = onnx.to_tensor %0 : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}
