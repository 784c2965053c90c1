// RUN: %python %S/Inputs/write_safetensors.py %t.p "p=[[0, 1.5, 2.5, 3.5, 0, 0, 0, 0]]"
// RUN: qfa-interpret %s --weights %t.p --bits 4 --input '[[0]]' | FileCheck %s --check-prefix=FOUR
// RUN: qfa-interpret %s --weights %t.p --configuration site=2 --bits 4 --input '[[0]]' | FileCheck %s --check-prefix=TWO
// RUN: qfa-interpret %s --weights %t.p --input '[[0]]' | FileCheck %s --check-prefix=FOUR
// RUN: %python -c 'print("[" + "[" + ", ".join(["[1, 0]"] + ["[3, 0]"] * 7) + "]]")' > %t.codes
// RUN: %python -c 'z = "[" + ", ".join(["0.5"] + ["0"] * 31) + "]"; print("[[" + z + ", " + z + "]]")' > %t.scales
// RUN: sh -c '%python %S/Inputs/write_safetensors.py %t.c "w.b2.codes:U32=$(cat %t.codes)" "w.b2.scales=$(cat %t.scales)" "w.b2.zeros=$(cat %t.scales)"'
// RUN: qfa-interpret %s --weights %t.c --bits 2 --input '[[0]]' | FileCheck %s --check-prefix=FILE

qfa.parameter @p : tensor<1x8xf32> {storage = f32}
qfa.site @site bits [2, 4]
qfa.elastic @w of @p at @site : !qfa.elastic<1x8, bits = [2, 4], group = 4, rank = 0, scales = f32>

func.func @main(%ids: tensor<1x1xi32>) -> tensor<1x1x8xf32> {
  %w = qfa.elastic_ref @w : !qfa.elastic<1x8, bits = [2, 4], group = 4, rank = 0, scales = f32>
  %x = qfa.embedding %ids, %w : tensor<1x1xi32>, !qfa.elastic<1x8, bits = [2, 4], group = 4, rank = 0, scales = f32> -> tensor<1x1x8xf32>
  return %x : tensor<1x1x8xf32>
}

// Tests copies made by round-to-nearest: the scale 3.5 / 15 as a half is 0.233276; the widest is in force when nothing is said.
// FOUR: main 0: {{\[\[\[}}0, 1.39966, 2.56604, 3.49915, 0, 0, 0, 0]]]
// Tests the width of the configuration: the scale 3.5 / 3 as a half is 1.16699, 1.5 is 1.29 of it and 2.5 is 2.14.
// TWO: main 0: {{\[\[\[}}0, 1.16699, 2.33398, 3.50098, 0, 0, 0, 0]]]
// Tests a copy from a file, codes 1 and 3, without the parameter.
// FILE: main 0: {{\[\[\[}}1, 2, 2, 2, 2, 2, 2, 2]]]
