// RUN: qfa-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{holds arith.constant, wanted qfa.gpu_launch only}}
qfa.gpu_kernel @gpu_kernel_c1 pointers 1 workspace 0 flops 0 bytes 4 {
  %one = arith.constant 1 : i64
}

// -----

// expected-error @+1 {{launches nothing}}
"qfa.gpu_kernel"() <{sym_name = "gpu_kernel_c1_empty", pointers = 1 : i64, workspace = 0 : i64, flops = 0 : i64, bytes = 4 : i64}> ({
^bb0:
}) : () -> ()
