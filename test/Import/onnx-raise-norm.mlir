// RUN: qfa-opt --qfa-onnx-raise --split-input-file %s | FileCheck %s

// Tests the form of torch dynamo: x * reciprocal(sqrt(mean + epsilon)), the gain first, axes an input.
qfa.parameter @gain : tensor<64xf32> {storage = f32, bytes = 256 : i64}
// CHECK-LABEL: func.func @reciprocal
// CHECK: %[[GAIN:.*]] = qfa.weight @gain : tensor<64xf32>
// CHECK: qfa.rms_norm %{{.*}}, %[[GAIN]] {epsilon = 9.99999974E-6 : f32} : tensor<?x?x64xf32>, tensor<64xf32>
func.func @reciprocal(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %w = onnx.initializer @gain
  %two = onnx.constant dense<2.0> : tensor<f32>
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32>
  %0 = onnx.node "Pow"(%x, %two)
  %1 = onnx.node "ReduceMean"(%0, %axis) {keepdims = 1 : i64}
  %2 = onnx.node "Add"(%1, %epsilon)
  %3 = onnx.node "Sqrt"(%2)
  %4 = onnx.node "Reciprocal"(%3)
  %5 = onnx.node "Mul"(%x, %4)
  %6 = onnx.node "Mul"(%w, %5)
  %r = onnx.to_tensor %6 : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}

// -----

// Tests the form of torch script in half precision: 1 / sqrt, casts, the gain second, axes an attribute, x * x for the square.
qfa.parameter @gain : tensor<64xf32> {storage = f16, bytes = 128 : i64}
// CHECK-LABEL: func.func @quotient
// CHECK: qfa.rms_norm %{{.*}}, %{{.*}} {epsilon = 9.99999997E-7 : f32}
func.func @quotient(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %half = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %w = onnx.initializer @gain
  %one = onnx.constant dense<1.0> : tensor<f32>
  %epsilon = onnx.constant dense<1.0e-6> : tensor<f32>
  %x = onnx.node "Cast"(%half) {to = 1 : i64}
  %0 = onnx.node "Mul"(%x, %x)
  %1 = onnx.node "ReduceMean"(%0) {axes = array<i64: 2>}
  %2 = onnx.node "Add"(%epsilon, %1)
  %3 = onnx.node "Sqrt"(%2)
  %4 = onnx.node "Div"(%one, %3)
  %5 = onnx.node "Mul"(%4, %x)
  %6 = onnx.node "Cast"(%5) {to = 10 : i64}
  %7 = onnx.node "Mul"(%6, %w)
  %r = onnx.to_tensor %7 : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}

// -----

// Tests the native operator.
qfa.parameter @gain : tensor<64xf32> {storage = f32, bytes = 256 : i64}
// CHECK-LABEL: func.func @native
// CHECK: qfa.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-03 : f32}
func.func @native(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  %w = onnx.initializer @gain
  %0 = onnx.node "RMSNormalization"(%x, %w) {axis = -1 : i64, epsilon = 1.0e-3 : f32}
  %r = onnx.to_tensor %0 : tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}
