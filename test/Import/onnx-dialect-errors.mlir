// RUN: qfa-opt --split-input-file --verify-diagnostics %s

func.func @not_a_dimension() {
  // expected-error @+1 {{dimension 'B+1' is not a product of a number, B and S}}
  %0 = onnx.shape ["B", "B+1"]
  return
}

// -----

func.func @scalar_of_two() {
  // expected-error @+1 {{a scalar has 2 dimensions, expected 1}}
  %0 = onnx.shape scalar ["B", "S"]
  return
}

// -----

func.func @too_many_results() {
  // expected-error @+2 {{result count 5000, expected 0 to 1024}}
  %0 = onnx.node "Many"() -> 5000
  return
}
