// RUN: qfa-opt --qfa-onnx-strip-inference --split-input-file %s | FileCheck %s

// Tests that a mask becomes ones, positions become 0 .. S - 1, a cache becomes empty, and only the logits are returned.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:  (%[[IDS:.*]]: tensor<?x?xi32> {onnx.name = "input_ids"}) -> (tensor<?x?x8xf32> {onnx.name = "logits"})
func.func @forward(%ids: tensor<?x?xi64> {onnx.name = "input_ids"}, %mask: tensor<?x?xi64> {onnx.name = "attention_mask"},
                   %positions: tensor<?x?xi64> {onnx.name = "position_ids"},
                   %past: tensor<?x4x?x16xf32> {onnx.name = "past_key_values.0.key"})
    -> (tensor<?x4x?x16xf32> {onnx.name = "present.0.key"}, tensor<?x?x8xf32> {onnx.name = "logits"}) {
  // CHECK-DAG: %[[MASK_SHAPE:.*]] = onnx.shape ["B", "S"]
  // CHECK-DAG: %[[ONES:.*]] = onnx.node "ConstantOfShape"(%{{.*}}) {value = dense<1> : tensor<1xi64>}
  // CHECK-DAG: %[[LENGTH:.*]] = onnx.shape scalar ["S"]
  // CHECK-DAG: %[[RANGE:.*]] = onnx.node "Range"(%{{.*}}, %[[LENGTH]], %{{.*}})
  // CHECK-DAG: %[[POSITIONS:.*]] = onnx.node "Expand"(%[[RANGE]], %{{.*}})
  // CHECK-DAG: %[[CACHE_SHAPE:.*]] = onnx.shape ["B", "4", "0", "16"]
  // CHECK-DAG: %[[CACHE:.*]] = onnx.node "ConstantOfShape"(%[[CACHE_SHAPE]]) {value = dense<0.000000e+00> : tensor<1xf32>}
  // CHECK-DAG: %[[VALUE:.*]] = onnx.from_tensor %[[IDS]] : tensor<?x?xi32>
  %0 = onnx.from_tensor %ids : tensor<?x?xi64>
  %1 = onnx.from_tensor %mask : tensor<?x?xi64>
  %2 = onnx.from_tensor %positions : tensor<?x?xi64>
  %3 = onnx.from_tensor %past : tensor<?x4x?x16xf32>
  // CHECK: onnx.node "Model"(%[[VALUE]], %[[ONES]], %[[POSITIONS]], %[[CACHE]])
  %4, %5 = onnx.node "Model"(%0, %1, %2, %3) -> 2
  %6 = onnx.to_tensor %4 : tensor<?x4x?x16xf32>
  %7 = onnx.to_tensor %5 : tensor<?x?x8xf32>
  // CHECK: %[[LOGITS:.*]] = onnx.to_tensor %{{.*}} : tensor<?x?x8xf32>
  // CHECK: return %[[LOGITS]] : tensor<?x?x8xf32>
  return %6, %7 : tensor<?x4x?x16xf32>, tensor<?x?x8xf32>
}
