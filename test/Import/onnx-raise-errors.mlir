// RUN: qfa-opt --qfa-onnx-raise --split-input-file --verify-diagnostics %s

// Tests that an unknown operator is named with its domain, version and node.
module attributes {onnx.opsets = {"com.example" = 3 : i64}} {
  func.func @unknown(%arg0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x4xf32>
    // expected-error @+1 {{operator 'Frobnicate' (domain com.example, version 3) cannot be raised; no pattern takes it}}
    %0 = onnx.node "Frobnicate"(%x) domain "com.example"
    %r = onnx.to_tensor %0 : tensor<?x?x4xf32>
    return %r : tensor<?x?x4xf32>
  }
}

// -----

// Tests that a norm whose epsilon is data is refused, and that the note says how far the pattern came.
module {
  qfa.parameter @gain : tensor<4xf32> {storage = f32, bytes = 16 : i64}
  func.func @epsilon_is_data(%arg0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x4xf32>
    %w = onnx.initializer @gain
    %two = onnx.constant dense<2.0> : tensor<f32>
    %axis = onnx.constant dense<-1> : tensor<1xi64>
    // expected-error @+1 {{operator 'Pow' (domain ai.onnx) cannot be raised}}
    %0 = onnx.node "Pow"(%x, %two)
    %1 = onnx.node "ReduceMean"(%0, %axis)
    %2 = onnx.node "Add"(%1, %x)
    %3 = onnx.node "Sqrt"(%2)
    %4 = onnx.node "Div"(%x, %3)
    // expected-note @+1 {{pattern 'rms_norm' came closest: the root is not of mean + epsilon}}
    %5 = onnx.node "Mul"(%4, %w)
    %r = onnx.to_tensor %5 : tensor<?x?x4xf32>
    return %r : tensor<?x?x4xf32>
  }
}

// -----

// Tests that attention which sees the future is refused.
module {
  func.func @full_mask(%arg0: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x16xf32>
    %split = onnx.shape ["B", "S", "4", "4"]
    %join = onnx.shape ["B", "S", "-1"]
    %0 = onnx.node "Reshape"(%x, %split)
    %q = onnx.node "Transpose"(%0) {perm = array<i64: 0, 2, 1, 3>}
    %square = onnx.shape ["S", "S"]
    %mask = onnx.node "ConstantOfShape"(%square) {value = dense<true> : tensor<1xi1>}
    // expected-error @+2 {{operator 'Attention' (domain ai.onnx) cannot be raised}}
    // expected-note @+1 {{pattern 'native_attention' came closest: the mask is neither causal nor a sliding window}}
    %1 = onnx.node "Attention"(%q, %q, %q, %mask)
    %2 = onnx.node "Transpose"(%1) {perm = array<i64: 0, 2, 1, 3>}
    %3 = onnx.node "Reshape"(%2, %join)
    %r = onnx.to_tensor %3 : tensor<?x?x16xf32>
    return %r : tensor<?x?x16xf32>
  }
}

// -----

// Tests that angles which are not position times frequency are refused.
module {
  func.func @quadratic_angles(%arg0: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x8xf32>
    %zero = onnx.constant dense<0> : tensor<i64>
    %one = onnx.constant dense<1> : tensor<i64>
    %length = onnx.shape scalar ["S"]
    %range = onnx.node "Range"(%zero, %length, %one)
    %float = onnx.node "Cast"(%range) {to = 1 : i64}
    %last = onnx.constant dense<-1> : tensor<1xi64>
    %column = onnx.node "Unsqueeze"(%float, %last)
    %squared = onnx.node "Mul"(%column, %column)
    %table = onnx.shape ["B", "S", "2"]
    %angles = onnx.node "Expand"(%squared, %table)
    %cos = onnx.node "Cos"(%angles)
    %sin = onnx.node "Sin"(%angles)
    // expected-error @+2 {{operator 'RotaryEmbedding' (domain ai.onnx) cannot be raised}}
    // expected-note @+1 {{pattern 'rotary_embedding' came closest: the angles are not position times frequency}}
    %0 = onnx.node "RotaryEmbedding"(%x, %cos, %sin) {num_heads = 2 : i64}
    %r = onnx.to_tensor %0 : tensor<?x?x8xf32>
    return %r : tensor<?x?x8xf32>
  }
}

// -----

// Tests that a square weight used as stored and transposed is refused: one of the layers would get the wrong matrix.
module {
  qfa.parameter @w : tensor<4x4xf32> {storage = f32, bytes = 64 : i64}
  func.func @both_layouts(%arg0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x = onnx.from_tensor %arg0 : tensor<?x?x4xf32>
    %w = onnx.initializer @w
    %wt = onnx.node "Transpose"(%w) {perm = array<i64: 1, 0>}
    %0 = onnx.node "MatMul"(%x, %w)
    // expected-error @+2 {{operator 'MatMul' (domain ai.onnx) cannot be raised}}
    // expected-note @+1 {{pattern 'linear' came closest: the weight is used in both layouts}}
    %1 = onnx.node "MatMul"(%0, %wt)
    %r = onnx.to_tensor %1 : tensor<?x?x4xf32>
    return %r : tensor<?x?x4xf32>
  }
}
