// RUN: qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet=group-size=16 --qfa-build-functions="batch=1 sequence=4 prefill=3 context=8 functions=logits,prefill,decode" -o %t.mlir
// RUN: qfa-interpret %t.mlir --entry=logits --input="[[5,9,2,7]]" | sed 's/.*\[//' > %t.whole
// RUN: qfa-interpret %t.mlir --entry=prefill --entry=decode --input="prefill:0=[[5,9,2]]" --input="prefill:1=[0]" --input="prefill:2=[2]" --input="decode:0=[[7]]" --input="decode:1=[3]" | grep decode | sed 's/.*\[//' > %t.decoded
// RUN: diff %t.whole %t.decoded
// RUN: FileCheck %s --input-file=%t.decoded

// Tests that three tokens at once and a fourth with the caches give the logits of all four at once.
// CHECK: {{-?[0-9.]+(e-[0-9]+)?}}, {{-?[0-9]}}
