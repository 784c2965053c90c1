// RUN: qfa-opt %s | qfa-opt | FileCheck %s
// RUN: qfa-opt %s --mlir-print-op-generic | qfa-opt | FileCheck %s

// Tests the example, and a parameter that lies transposed in its file.
// CHECK: qfa.parameter @lm_head.weight : tensor<2048x128xf32> {bytes = 524288 : i64, file = "model.onnx.data", offset = 4096 : i64, storage = f16}
qfa.parameter @"lm_head.weight" : tensor<2048x128xf32> {file = "model.onnx.data", offset = 4096 : i64, bytes = 524288 : i64, storage = f16}
// CHECK: qfa.parameter @val_129 : tensor<3x2xf32> {bytes = 24 : i64, file = "model.onnx", storage = f32, transposed}
qfa.parameter @val_129 : tensor<3x2xf32> {file = "model.onnx", bytes = 24 : i64, storage = f32, transposed}
// Tests that a parameter without a file needs no size.
// CHECK: qfa.parameter @gain : tensor<16xf32> {storage = bf16}
qfa.parameter @gain : tensor<16xf32> {storage = bf16}
// Tests that the type a value is rounded to is printed.
// CHECK: qfa.parameter @head : tensor<16x4xf32> {rounded = f16, storage = f32}
qfa.parameter @head : tensor<16x4xf32> {storage = f32, rounded = f16}
