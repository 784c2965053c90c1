// RUN: qfa-opt --qfa-onnx-raise --split-input-file %s | FileCheck %s

// Tests that splitting into heads and merging them again is the identity.
// CHECK-LABEL: func.func @split_and_merge
// CHECK-SAME:  (%[[X:.*]]: tensor<?x?x64xf32>)
func.func @split_and_merge(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %split = onnx.shape ["B", "S", "-1", "16"]
  %join = onnx.shape ["0", "0", "64"]
  %0 = onnx.node "Reshape"(%x, %split)
  %1 = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
  %2 = onnx.node "Transpose"(%1) {perm = array<i64: 0, 2, 1, 3>}
  %3 = onnx.node "Reshape"(%2, %join)
  %r = onnx.to_tensor %3 : tensor<?x?x64xf32>
  // CHECK-NEXT: return %[[X]] : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}

// -----

// Tests that casts, an expand to the same shape and an empty cache in front are the identity.
// CHECK-LABEL: func.func @nothing_happens
// CHECK-SAME:  (%[[X:.*]]: tensor<?x?x64xf32>)
func.func @nothing_happens(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %empty_shape = onnx.shape ["B", "0", "64"]
  %empty = onnx.node "ConstantOfShape"(%empty_shape) {value = dense<0.0> : tensor<1xf32>}
  %same = onnx.shape ["B", "1", "64"]
  %0 = onnx.node "Cast"(%x) {to = 10 : i64}
  %1 = onnx.node "Concat"(%empty, %0) {axis = -2 : i64}
  %2 = onnx.node "Expand"(%1, %same)
  %3 = onnx.node "Identity"(%2)
  %r = onnx.to_tensor %3 : tensor<?x?x64xf32>
  // CHECK-NEXT: return %[[X]] : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}
