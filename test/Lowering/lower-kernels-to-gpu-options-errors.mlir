// Tests that options are checked before anything is lowered.
// RUN: not qfa-opt %s --qfa-lower-kernels-to-gpu="precision=f16" 2>&1 | FileCheck %s --check-prefix=PRECISION
// RUN: not qfa-opt %s --qfa-lower-kernels-to-gpu="arch=75" 2>&1 | FileCheck %s --check-prefix=ARCH
// RUN: not qfa-opt %s --qfa-lower-kernels-to-gpu="arch=hopper" 2>&1 | FileCheck %s --check-prefix=NUMBER

// PRECISION: unknown precision 'f16', wanted bf16 or f32
// ARCH: no GPU code for sm_75, wanted 80 or later, such as 80 or 90a
// NUMBER: no GPU code for sm_hopper, wanted 80 or later, such as 80 or 90a
module {
}
