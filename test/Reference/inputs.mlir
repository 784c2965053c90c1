// RUN: %python -c "import numpy, sys; a = numpy.array([[1, 2]], numpy.int64); numpy.save(sys.argv[1], a); numpy.savez_compressed(sys.argv[2], ids=a, y=numpy.array([[[0.5], [1]]], numpy.float32))" %t.npy %t.npz
// RUN: qfa-interpret %s --input ids=%t.npy | FileCheck %s
// RUN: qfa-interpret %s --input ids=%t.npz | FileCheck %s
// RUN: qfa-interpret %s --input 0=%t.npz:ids | FileCheck %s
// RUN: qfa-interpret %s --input '[[1, 2]]' --input unscaled:x=[1] | FileCheck %s
// RUN: qfa-interpret %s --input ids=%t.npz --compare %t.npz | FileCheck %s --check-prefix=SAME
// RUN: not qfa-interpret %s --input 'ids=[[2, 2]]' --compare %t.npz 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not qfa-interpret %s --input 'ids=[[2]]' --compare %t.npz 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not qfa-interpret %s --entry unnamed --input 'ids=[[2]]' --compare %t.npz 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: qfa-interpret %s --input '[[0]]' --precision f32 --output %t.f32.npz
// RUN: qfa-interpret %s --input '[[0]]' --output %t.f64.npz
// RUN: %python -c "import numpy, sys; a, b = (numpy.load(f)['y'] for f in sys.argv[1:]); assert a.dtype == numpy.float32 and b.dtype == numpy.float64 and a[0, 0, 0] == numpy.float32(1) / 3 and b[0, 0, 0] == 1 / 3" %t.f32.npz %t.f64.npz
// RUN: qfa-interpret %s --entry seeded --seed 1 > %t.one
// RUN: qfa-interpret %s --entry seeded --seed 1 | diff %t.one -
// RUN: not sh -c 'qfa-interpret %s --entry seeded --seed 2 | diff -q %t.one -'

qfa.parameter @table : tensor<4x2xf32> {storage = f32}

// Tests the ways in which values come in and go out.
// CHECK: main y: {{\[\[\[}}0.5], [1]]]
// SAME: y: largest difference 0.000e+00
// OTHER: error: 'func.func' op result 'y' differs by 5.000000e-01, allowed is 1.000000e-04
// SHAPE: error: 'func.func' op result 'y' has shape [1, 1, 1], recorded is [1, 2, 1]
func.func @main(%ids: tensor<1x?xi32> {onnx.name = "ids"}) -> (tensor<1x?x1xf32> {onnx.name = "y"}) {
  %one = arith.constant dense<[[1.0], [1.5], [3.0]]> : tensor<3x1xf32>
  %three = arith.constant dense<[[3.0], [3.0], [3.0]]> : tensor<3x1xf32>
  %thirds = arith.divf %one, %three : tensor<3x1xf32>
  %x = qfa.embedding %ids, %thirds : tensor<1x?xi32>, tensor<3x1xf32> -> tensor<1x?x1xf32>
  return %x : tensor<1x?x1xf32>
}

// NAME: error: 'func.func' op has no result of a name that {{.*}}npz has
func.func @unnamed(%ids: tensor<1x?xi32> {onnx.name = "ids"}) -> tensor<1x?xi32> {
  return %ids : tensor<1x?xi32>
}

func.func @seeded(%ids: tensor<2x8xi32>) -> tensor<2x8x2xf32> {
  %table = qfa.weight @table : tensor<4x2xf32>
  %x = qfa.embedding %ids, %table : tensor<2x8xi32>, tensor<4x2xf32> -> tensor<2x8x2xf32>
  return %x : tensor<2x8x2xf32>
}
