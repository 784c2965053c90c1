// RUN: qfa-opt %s | qfa-opt | FileCheck %s

// Tests that what the dialect prints it reads again.
qfa.parameter @"onnx::MatMul_714" : tensor<64x32xf32> {storage = f32, bytes = 8192 : i64}
// CHECK-LABEL: func.func @ops
func.func @ops(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x32xf32> {
  // CHECK: %[[X:.*]] = onnx.from_tensor %{{.*}} : tensor<?x?x64xf32>
  %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
  // CHECK: onnx.constant dense<[0, 2, 1, 3]> : tensor<4xi64>
  %c = onnx.constant dense<[0, 2, 1, 3]> : tensor<4xi64>
  // CHECK: onnx.shape ["B", "2*B*S", "-1"]
  %s = onnx.shape ["B", "2*B*S", "-1"]
  // CHECK: onnx.shape scalar ["S"]
  %n = onnx.shape scalar ["S"]
  // CHECK: %[[NONE:.*]] = onnx.none
  %none = onnx.none
  // CHECK: %[[W:.*]] = onnx.initializer @"onnx::MatMul_714"
  %w = onnx.initializer @"onnx::MatMul_714"
  // CHECK: onnx.split_heads %[[X]] {repeat = 2 : i64, transposed, width = 16 : i64}
  %h = onnx.split_heads %x {width = 16 : i64, repeat = 2 : i64, transposed}
  // CHECK: onnx.node "TopK"(%[[X]], %[[NONE]]) {axis = -1 : i64} domain "com.example" scope "model.router" -> 2
  %y, %i = onnx.node "TopK"(%x, %none) {axis = -1 : i64} domain "com.example" scope "model.router" -> 2
  // CHECK: %[[Z:.*]] = onnx.node "MatMul"(%[[X]], %[[W]])
  %z = onnx.node "MatMul"(%x, %w)
  // CHECK: onnx.to_tensor %[[Z]] : tensor<?x?x32xf32>
  %r = onnx.to_tensor %z : tensor<?x?x32xf32>
  return %r : tensor<?x?x32xf32>
}
