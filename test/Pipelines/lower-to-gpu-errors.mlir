// RUN: not qfa-opt %s --qfa-lower-to-gpu="emit=sass" 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not qfa-opt %s --qfa-lower-to-gpu="precision=f16" 2>&1 | FileCheck %s --check-prefix=PRECISION
// RUN: not qfa-opt %s --qfa-lower-to-gpu="gpu-arch=80,7x" 2>&1 | FileCheck %s --check-prefix=ARCH

// FORM: unknown form 'sass', wanted nvvm, ptx or binary
// PRECISION: unknown precision 'f16', wanted bf16 or f32
// ARCH: '7x' is not an architecture of 80 or more, such as 80 or 90a
qfa.kernel @norm {
^bb0(%x: tensor<1x4x8xf32>, %g: tensor<8xf32>):
  %y = qfa.rms_norm %x, %g {epsilon = 1.0e-05 : f32} : tensor<1x4x8xf32>, tensor<8xf32>
  qfa.yield %y : tensor<1x4x8xf32>
}
