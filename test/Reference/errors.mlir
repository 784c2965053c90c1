// RUN: not qfa-interpret %s 2>&1 | FileCheck %s --check-prefix=MAIN
// RUN: not qfa-interpret %s --entry unknown 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not qfa-interpret %s --entry lookup --input '[[0, 4]]' 2>&1 | FileCheck %s --check-prefix=IDENTIFIER
// RUN: not qfa-interpret %s --entry lookup --input '[[0, 1, 2]]' 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not qfa-interpret %s --entry lookup --input '[[0], [1, 2]]' 2>&1 | FileCheck %s --check-prefix=LITERAL
// RUN: not qfa-interpret %s --entry lookup --input 'labels=[[0, 1]]' 2>&1 | FileCheck %s --check-prefix=INPUT
// RUN: not qfa-interpret %s --entry lookup --input ids=%t.absent.npy 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not qfa-interpret %s --entry dynamic 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not qfa-interpret %s --entry loss --input 0=[[[1]]] --input 1=[[2]] 2>&1 | FileCheck %s --check-prefix=LABEL
// RUN: not qfa-interpret %s --entry cached --input 1=[7] 2>&1 | FileCheck %s --check-prefix=CACHE
// RUN: not qfa-interpret %s --entry select --input 1=[2] 2>&1 | FileCheck %s --check-prefix=SELECT
// RUN: not qfa-interpret %s --entry all 2>&1 | FileCheck %s --check-prefix=ALL
// RUN: not qfa-interpret %s --entry elastic --configuration s=3 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not qfa-interpret %s --entry elastic --configuration t=2 2>&1 | FileCheck %s --check-prefix=SITE
// RUN: not qfa-interpret %s --entry elastic --configuration s 2>&1 | FileCheck %s --check-prefix=SYNTAX
// RUN: not qfa-interpret %s --entry elastic --weights %s 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not qfa-interpret %s --check-gradients=loss --input 0=[[[1]]] --input 1=[[1]] 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: %python %S/Inputs/write_safetensors.py %t.small "p=[1, 2]"
// RUN: not qfa-interpret %s --entry elastic --weights %t.small 2>&1 | FileCheck %s --check-prefix=SMALL

qfa.parameter @p : tensor<2x4xf32> {storage = f32}
qfa.site @s bits [2, 4]
qfa.elastic @w of @p at @s : !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 0, scales = f32>
qfa.state gradient @g : !qfa.buffer<2xf32>

// MAIN: error: has no function 'main'
// UNKNOWN: error: 'tensor.empty' op is not known to the interpreter
func.func @unknown() -> tensor<1xf32> {
  %x = tensor.empty() : tensor<1xf32>
  return %x : tensor<1xf32>
}

// IDENTIFIER: error: 'qfa.embedding' op identifier 4 is outside the table of 2 rows
// SHAPE: error: 'func.func' op input 0 has shape [1, 3], wanted 'tensor<1x2xi32>'
// LITERAL: error: 'func.func' op input 'ids': '{{\[\[}}0], [1, 2]]' is neither a .npy or .npz file nor a list of numbers
// INPUT: error: 'func.func' op has no input for 'labels={{.*}}'
// ABSENT: error: 'func.func' op input 'ids': cannot open {{.*}}: No such file or directory
func.func @lookup(%ids: tensor<1x2xi32> {qfa.name = "ids"}) -> tensor<1x2x4xf32> {
  %w = qfa.weight @p : tensor<2x4xf32>
  %x = qfa.embedding %ids, %w : tensor<1x2xi32>, tensor<2x4xf32> -> tensor<1x2x4xf32>
  return %x : tensor<1x2x4xf32>
}

// DYNAMIC: error: 'func.func' op input '0' is 'tensor<?x2xf32>': it needs a value
func.func @dynamic(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
}

// LABEL: error: 'qfa.cross_entropy' op label 2 is outside the vocabulary of 2
// NOTHING: error: has no qfa.trainable to check
func.func @loss(%h: tensor<1x1x1xf32>, %labels: tensor<1x1xi32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<1.0> : tensor<2x1xf32>
  %loss, %lse = qfa.cross_entropy %h, %w, %labels : tensor<1x1x1xf32>, tensor<2x1xf32>, tensor<1x1xi32> -> tensor<1x1xf32>, tensor<1x1xf32>
  return %loss : tensor<1x1xf32>
}

// CACHE: error: 'qfa.cached_attention' op writes rows 7 to 8 of a cache of 8
qfa.state cache @keys : !qfa.buffer<8x1xf32>
func.func @cached(%q: tensor<1x2x1xf32>, %position: tensor<1xi32>) -> tensor<1x2x1xf32> {
  %keys = qfa.state_ref @keys : !qfa.buffer<8x1xf32>
  %y = qfa.cached_attention %q, %q, %q, %position, %keys, %keys {num_heads = 1 : i64, num_kv_heads = 1 : i64, scale = 1.0 : f32}
      : tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1xi32>, !qfa.buffer<8x1xf32>
  return %y : tensor<1x2x1xf32>
}

// SELECT: error: 'qfa.select_token' op index 2 is outside the sequence of 2
func.func @select(%x: tensor<1x2x1xf32>, %index: tensor<1xi32>) -> tensor<1x1x1xf32> {
  %y = qfa.select_token %x at %index : tensor<1x2x1xf32>, tensor<1xi32> -> tensor<1x1x1xf32>
  return %y : tensor<1x1x1xf32>
}

// ALL: error: 'qfa.state_all' op has 3 elements, the states of its kind have 2
func.func @all() -> tensor<1xf32> {
  %g = qfa.state_all gradient : !qfa.buffer<3xf32>
  %n = qfa.gradient_norm %g : !qfa.buffer<3xf32> -> tensor<1xf32>
  return %n : tensor<1xf32>
}

// BITS: error: 'qfa.site' op 's' has no copy at 3 bits
// SITE: error: has no site 't'
// SYNTAX: error: 's' is not site=bits
// WEIGHTS: error: {{.*}}errors.mlir: says its header has {{.*}} bytes
// SMALL: error: 'qfa.parameter' op needs 'p' of floats [2, 4], found F32 [2]
func.func @elastic(%ids: tensor<1x1xi32>) -> tensor<1x1x4xf32> {
  %w = qfa.elastic_ref @w : !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 0, scales = f32>
  %x = qfa.embedding %ids, %w : tensor<1x1xi32>, !qfa.elastic<2x4, bits = [2, 4], group = 4, rank = 0, scales = f32> -> tensor<1x1x4xf32>
  return %x : tensor<1x1x4xf32>
}
