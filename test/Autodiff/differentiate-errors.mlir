// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions --qfa-differentiate="method=lora" 2>&1 | FileCheck %s --check-prefix=METHOD
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-functions --qfa-differentiate 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet=group-size=16 --qfa-build-functions --qfa-differentiate="method=full" 2>&1 | FileCheck %s --check-prefix=ELASTIC
// RUN: qfa-opt %s --qfa-differentiate=method=full --split-input-file --verify-diagnostics

// METHOD: error: method 'lora' is not one of supernet, full
// NOTHING: error: nothing to train: no elastic weight has an adapter
// ELASTIC: error: method full trains parameters, but model.embed_tokens is elastic

// expected-error @below {{module has no function @train_step}}
module {
}

// -----

func.func @train_step(%ids: tensor<1x2xi32>, %labels: tensor<1x2xi32>) -> tensor<1x2xi32> {
  // expected-error @below {{@train_step does not return the loss of one qfa.cross_entropy}}
  return %labels : tensor<1x2xi32>
}

// -----

// expected-error @below {{nothing to train: @train_step reads no parameter}}
module {
  func.func @train_step(%h: tensor<1x2x4xf32>, %w: tensor<8x4xf32>, %labels: tensor<1x2xi32>) -> tensor<1x2xf32> {
    %loss, %lse, %dh = qfa.cross_entropy %h, %w, %labels : tensor<1x2x4xf32>, tensor<8x4xf32>, tensor<1x2xi32> -> tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2x4xf32>
    return %loss : tensor<1x2xf32>
  }
}

// -----

// An op without a rule lies on the way.
qfa.parameter @w : tensor<4x4xf32> {storage = f32}
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @train_step(%x: tensor<1x2x4xf32>, %labels: tensor<1x2xi32>) -> tensor<1x2xf32> {
  %w = qfa.weight @w : tensor<4x4xf32>
  %head = qfa.weight @head : tensor<8x4xf32>
  %y = qfa.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-error @below {{'math.tanh' op lies between a trained value and the loss, but has no derivative rule}}
  %h = math.tanh %y : tensor<1x2x4xf32>
  %loss, %lse, %dh = qfa.cross_entropy %h, %head, %labels : tensor<1x2x4xf32>, tensor<8x4xf32>, tensor<1x2xi32> -> tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2x4xf32>
  return %loss : tensor<1x2xf32>
}

// -----

// A loss without its gradient cannot be differentiated.
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @train_step(%h: tensor<1x2x4xf32>, %labels: tensor<1x2xi32>) -> tensor<1x2xf32> {
  %head = qfa.weight @head : tensor<8x4xf32>
  // expected-error @below {{'qfa.cross_entropy' op has no gradient result}}
  %loss, %lse = qfa.cross_entropy %h, %head, %labels : tensor<1x2x4xf32>, tensor<8x4xf32>, tensor<1x2xi32> -> tensor<1x2xf32>, tensor<1x2xf32>
  return %loss : tensor<1x2xf32>
}

// -----

// The logarithm of attention's denominator has no rule.
qfa.parameter @head : tensor<8x4xf32> {storage = f32}
func.func @train_step(%x: tensor<1x4x4xf32>, %labels: tensor<1x1xi32>) -> tensor<1x1xf32> {
  %head = qfa.weight @head : tensor<8x4xf32>
  %q = qfa.linear %x, %head : tensor<1x4x4xf32>, tensor<8x4xf32> -> tensor<1x4x8xf32>
  // expected-error @below {{'qfa.attention' op log_sum_exp reaches the loss, which has no derivative rule}}
  %a, %lse = qfa.attention %q, %q, %q {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 1.0 : f32} : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x1x4xf32>
  %loss, %l, %dh = qfa.cross_entropy %lse, %head, %labels : tensor<1x1x4xf32>, tensor<8x4xf32>, tensor<1x1xi32> -> tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1x4xf32>
  return %loss : tensor<1x1xf32>
}
