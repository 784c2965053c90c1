// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet="group-size=16 rank=0 granularity=block" --qfa-build-functions="batch=1 sequence=4 functions=logits" -o %t.mlir
// RUN: qfa-opt %t.mlir --qfa-specialize-bits -o %t.table.mlir
// RUN: qfa-opt %t.mlir --qfa-specialize-bits="mode=static scale-type=f32 configuration=model.layers.0=2,model.layers.1=4" -o %t.static.mlir
// RUN: qfa-interpret %t.table.mlir --entry=logits --input="[[5,9,2,7]]" --configuration=model.layers.0=2,model.layers.1=4 > %t.table
// RUN: qfa-interpret %t.table.mlir --entry=logits --input="[[5,9,2,7]]" --configuration=model.layers.0=4,model.layers.1=2 > %t.other
// RUN: qfa-interpret %t.static.mlir --entry=logits --input="[[5,9,2,7]]" > %t.static
// RUN: diff %t.table %t.static
// RUN: not diff %t.table %t.other > %t.difference

// Tests that a subnet computes what the supernet does under its configuration, and not under another.
