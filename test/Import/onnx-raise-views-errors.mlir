// RUN: qfa-opt --qfa-onnx-raise --split-input-file --verify-diagnostics %s

// Tests that a transpose of batch and sequence, whose shape looks like nothing special, is not taken for the identity.
module {
  func.func @exchanged(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
    // expected-error @+2 {{operator 'Transpose' (domain ai.onnx) cannot be raised}}
    // expected-note @+1 {{pattern 'view' came closest: the view is neither the identity nor a split into heads}}
    %0 = onnx.node "Transpose"(%x) {perm = array<i64: 1, 0, 2>}
    %r = onnx.to_tensor %0 : tensor<?x?x64xf32>
    return %r : tensor<?x?x64xf32>
  }
}

// -----

// Tests that heads which take turns in the features (d major) are not taken for heads side by side.
module {
  func.func @interleaved_heads(%arg0: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>
    %split = onnx.shape ["B", "S", "16", "4"]
    %join = onnx.shape ["B", "S", "64"]
    // expected-error @+1 {{operator 'Reshape' (domain ai.onnx) cannot be raised}}
    %0 = onnx.node "Reshape"(%x, %split)
    %1 = onnx.node "Transpose"(%0) {perm = array<i64: 0, 1, 3, 2>}
    // expected-note @+1 {{pattern 'view' came closest: the view is neither the identity nor a split into heads}}
    %2 = onnx.node "Reshape"(%1, %join)
    %r = onnx.to_tensor %2 : tensor<?x?x64xf32>
    return %r : tensor<?x?x64xf32>
  }
}
