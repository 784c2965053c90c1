// RUN: qfa-opt %s -split-input-file -verify-diagnostics

// parameter_c1: static
// expected-error @+1 {{has type 'tensor<?x4xf32>', wanted a static tensor of f32}}
qfa.parameter @parameter_c1 : tensor<?x4xf32> {storage = f32}

// -----

// parameter_c1: f32
// expected-error @+1 {{has type 'tensor<4xf16>', wanted a static tensor of f32}}
qfa.parameter @parameter_c1_type : tensor<4xf16> {storage = f16}

// -----

// A storage that nobody writes.
// expected-error @+1 {{is stored as 'f64', wanted f32, f16 or bf16}}
qfa.parameter @storage : tensor<4xf32> {storage = f64}

// -----

// parameter_c2
// expected-error @+1 {{has 12 bytes, wanted 8 for 'tensor<4xf32>' stored as 'f16'}}
qfa.parameter @parameter_c2 : tensor<4xf32> {file = "w.bin", bytes = 12 : i64, storage = f16}

// -----

// parameter_c3
// expected-error @+1 {{is transposed but has rank 1, wanted 2}}
qfa.parameter @parameter_c3 : tensor<4xf32> {storage = f32, transposed}

// -----

// parameter_c4
// expected-error @+1 {{is rounded to 'bf16', wanted f16}}
qfa.parameter @parameter_c4 : tensor<4xf32> {storage = f32, rounded = bf16}
