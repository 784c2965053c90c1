// RUN: qfa-opt --qfa-onnx-strip-inference --split-input-file --verify-diagnostics %s

// expected-error @+1 {{input 'pixels' of type 'tensor<?x3xf32>' has no meaning in training, expected identifiers, *mask*, *position* or past*}}
func.func @other_input(%pixels: tensor<?x3xf32> {onnx.name = "pixels"}) -> tensor<?x3xf32> {
  return %pixels : tensor<?x3xf32>
}

// -----

// expected-error @+1 {{input 'key_cache.0' of type 'tensor<?x16x32xf32>' has no meaning in training, expected identifiers, *mask*, *position* or past*; operator 'Scatter' (domain com.example) of node 'layer.0' reads it}}
func.func @static_cache(%cache: tensor<?x16x32xf32> {onnx.name = "key_cache.0"}) -> tensor<?x16x32xf32> {
  %0 = onnx.from_tensor %cache : tensor<?x16x32xf32>
  %1 = onnx.node "Scatter"(%0) domain "com.example" loc("layer.0")
  %2 = onnx.to_tensor %1 : tensor<?x16x32xf32>
  return %2 : tensor<?x16x32xf32>
}

// -----

// expected-error @+1 {{input 'input_ids' has type 'tensor<1x?xi64>', expected a symbolic batch and sequence: export with dynamic axes}}
func.func @fixed_batch(%ids: tensor<1x?xi64> {onnx.name = "input_ids"}) -> tensor<1x?xi64> {
  return %ids : tensor<1x?xi64>
}

// -----

// expected-error @+1 {{no input holds token identifiers, expected a tensor<?x?xi64>}}
func.func @no_ids(%mask: tensor<?x?xi64> {onnx.name = "attention_mask"}) -> tensor<?x?xf32> {
  %0 = onnx.from_tensor %mask : tensor<?x?xi64>
  %1 = onnx.to_tensor %0 : tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// -----

// expected-error @+1 {{the graph has no output}}
func.func @no_output(%ids: tensor<?x?xi64> {onnx.name = "input_ids"}) {
  return
}
