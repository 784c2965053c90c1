// RUN: qfa-opt --qfa-onnx-fold --split-input-file %s | FileCheck %s

// Tests that shape arithmetic on the way to a reshape becomes one onnx.shape.
// CHECK-LABEL: func.func @shape_arithmetic
func.func @shape_arithmetic(%arg0: tensor<?x?x64xf32>) -> tensor<?x?xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %minus_one = onnx.constant dense<-1> : tensor<1xi64>
  %zero = onnx.constant dense<0> : tensor<i64>
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %shape = onnx.node "Shape"(%x)
  %batch = onnx.node "Gather"(%shape, %zero) {axis = 0 : i64}
  %sequence = onnx.node "Shape"(%x) {start = 1 : i64, end = 2 : i64}
  %two = onnx.constant dense<2> : tensor<i64>
  %twice = onnx.node "Mul"(%batch, %two)
  %vector = onnx.node "Unsqueeze"(%twice, %axis)
  %both = onnx.node "Mul"(%sequence, %vector)
  %target = onnx.node "Concat"(%both, %minus_one) {axis = 0 : i64}
  // CHECK-NOT: onnx.node
  // CHECK: %[[SHAPE:.*]] = onnx.shape ["2*B*S", "-1"]
  // CHECK-NEXT: onnx.node "Reshape"(%{{.*}}, %[[SHAPE]])
  %y = onnx.node "Reshape"(%x, %target)
  %r = onnx.to_tensor %y : tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// Tests that what is the same for every shape becomes a constant: half the width, as torch script computes it.
// CHECK-LABEL: func.func @constant_from_shape
func.func @constant_from_shape(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x32xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %shape = onnx.node "Shape"(%x)
  %width = onnx.node "Gather"(%shape, %last) {axis = 0 : i64}
  %half = onnx.node "Div"(%width, %two)
  // CHECK: %[[HALF:.*]] = onnx.constant dense<32> : tensor<1xi64>
  // CHECK: onnx.node "Slice"(%{{.*}}, %{{.*}}, %[[HALF]], %{{.*}})
  %y = onnx.node "Slice"(%x, %zero, %half, %last)
  %r = onnx.to_tensor %y : tensor<?x?x32xf32>
  return %r : tensor<?x?x32xf32>
}

// -----

// Tests that a guard on a target shape is decided: Expand(x, Where(Equal(shape, -1), 1, shape)).
// CHECK-LABEL: func.func @guarded_expand
func.func @guarded_expand(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %shape = onnx.node "Shape"(%x)
  %rank = onnx.node "Shape"(%shape)
  %ones = onnx.node "ConstantOfShape"(%rank) {value = dense<1> : tensor<1xi64>}
  %minus_one = onnx.constant dense<-1> : tensor<i64>
  %minus_ones = onnx.node "Mul"(%ones, %minus_one)
  %is = onnx.node "Equal"(%shape, %minus_ones)
  %target = onnx.node "Where"(%is, %ones, %shape)
  // CHECK: %[[SHAPE:.*]] = onnx.shape ["B", "S", "64"]
  // CHECK-NEXT: onnx.node "Expand"(%{{.*}}, %[[SHAPE]])
  %y = onnx.node "Expand"(%x, %target)
  %r = onnx.to_tensor %y : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}

// -----

// Tests that a value which follows from a small weight is not taken for a constant.
qfa.parameter @gain : tensor<4xf32> {storage = f32, bytes = 16 : i64}
// CHECK-LABEL: func.func @weight_stays
func.func @weight_stays(%arg0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x4xf32>
  %w = onnx.initializer @gain
  %one = onnx.constant dense<1.0> : tensor<f32>
  // CHECK: onnx.node "Add"
  %gain = onnx.node "Add"(%w, %one)
  %y = onnx.node "Mul"(%x, %gain)
  %r = onnx.to_tensor %y : tensor<?x?x4xf32>
  return %r : tensor<?x?x4xf32>
}
