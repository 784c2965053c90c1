// RUN: qfa-opt --qfa-name-parameters --split-input-file --verify-diagnostics %s

// Tests that two weights of one name, which no role tells apart, are refused.
module {
  // expected-note @+1 {{the other is here}}
  qfa.parameter @a : tensor<4x4xf32> {storage = f32, bytes = 64 : i64, onnx.scope = "mixer"}
  // expected-error @+1 {{two weights would be called 'mixer.weight'}}
  qfa.parameter @b : tensor<4x4xf32> {storage = f32, bytes = 64 : i64, onnx.scope = "mixer"}
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %a = qfa.weight @a : tensor<4x4xf32>
    %b = qfa.weight @b : tensor<4x4xf32>
    %0 = qfa.linear %x, %a : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
    %1 = qfa.linear %0, %b : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>
    %2 = arith.addf %0, %1 : tensor<?x?x4xf32>
    return %2 : tensor<?x?x4xf32>
  }
}
