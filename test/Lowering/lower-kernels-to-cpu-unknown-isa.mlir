// RUN: not qfa-opt %s --qfa-lower-kernels-to-cpu="isa=mmx" 2>&1 | FileCheck %s

// Tests that an instruction set that does not exist is refused by name.
// CHECK: error: unknown instruction set 'mmx', wanted portable, avx2 or avx512
module {
}
