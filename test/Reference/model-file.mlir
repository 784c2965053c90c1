// RUN: mkdir -p %t
// RUN: %python -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<4x6e", 1, 2, 3, 4, 5, 6))' > %t/w.bin
// RUN: qfa-interpret %s --model-folder %t | FileCheck %s
// RUN: not qfa-interpret %s --entry outside --model-folder %t 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not qfa-interpret %s --model-folder %t/absent 2>&1 | FileCheck %s --check-prefix=ABSENT

// Tests halves read from where the parameter says, the file holding the transpose.
qfa.parameter @w : tensor<2x3xf32> {file = "w.bin", offset = 4 : i64, bytes = 12 : i64, storage = f16, transposed}
qfa.parameter @beyond : tensor<2x3xf32> {file = "w.bin", offset = 5 : i64, bytes = 12 : i64, storage = f16}

func.func @main() -> tensor<2x3xf32> {
  %w = qfa.weight @w : tensor<2x3xf32>
  return %w : tensor<2x3xf32>
}
func.func @outside() -> tensor<2x3xf32> {
  %w = qfa.weight @beyond : tensor<2x3xf32>
  return %w : tensor<2x3xf32>
}

// CHECK: main 0: {{\[\[}}1, 3, 5], [2, 4, 6]]
// OUTSIDE: error: 'qfa.parameter' op lies at bytes 5 to 17 of a file of 16
// ABSENT: error: 'qfa.parameter' op cannot open {{.*}}w.bin: No such file or directory
