// RUN: qfa-interpret %s --input '[[0.25, -4]]' --input '[[2, 0.5]]' | FileCheck %s

// Tests the elementwise ops that models use, and shapes that are known only when the function runs.
func.func @main(%x: tensor<?x2xf32>, %y: tensor<?x2xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %add = arith.addf %x, %y : tensor<?x2xf32>
  %sub = arith.subf %x, %y : tensor<?x2xf32>
  %mul = arith.mulf %x, %y : tensor<?x2xf32>
  %div = arith.divf %x, %y : tensor<?x2xf32>
  %neg = arith.negf %x : tensor<?x2xf32>
  %max = arith.maximumf %x, %y : tensor<?x2xf32>
  %exp = math.exp %x : tensor<?x2xf32>
  %tanh = math.tanh %x : tensor<?x2xf32>
  %zero = arith.constant 0 : index
  %half = arith.constant 0.5 : f32
  %rows = tensor.dim %x, %zero : tensor<?x2xf32>
  %splat = tensor.splat %half[%rows] : tensor<?x2xf32>
  return %add, %sub, %mul, %div, %neg, %max, %exp, %tanh, %splat
      : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// CHECK: main 0: {{\[\[}}2.25, -3.5]]
// CHECK: main 1: {{\[\[}}-1.75, -4.5]]
// CHECK: main 2: {{\[\[}}0.5, -2]]
// CHECK: main 3: {{\[\[}}0.125, -8]]
// CHECK: main 4: {{\[\[}}-0.25, 4]]
// CHECK: main 5: {{\[\[}}2, 0.5]]
// CHECK: main 6: {{\[\[}}1.28403, 0.0183156]]
// CHECK: main 7: {{\[\[}}0.244919, -0.999329]]
// CHECK: main 8: {{\[\[}}0.5, 0.5]]
