// RUN: not qfa-opt %s --qfa-specialize-bits="mode=dynamic" 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not qfa-opt %s --qfa-specialize-bits="sampler=random" 2>&1 | FileCheck %s --check-prefix=SAMPLER
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static scale-type=bf16" 2>&1 | FileCheck %s --check-prefix=SCALES
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static configuration=a" 2>&1 | FileCheck %s --check-prefix=PAIR
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static configuration=a=2,a=3" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static configuration=b=4" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static configuration=a=4" 2>&1 | FileCheck %s --check-prefix=OFFERED
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static configuration=a=2,z=3,c=3" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static file=%S/Inputs/absent.json" 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static file=%S/Inputs/truncated.json" 2>&1 | FileCheck %s --check-prefix=TRUNCATED
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static file=%S/Inputs/without.json" 2>&1 | FileCheck %s --check-prefix=WITHOUT
// RUN: not qfa-opt %s --qfa-specialize-bits="mode=static file=%S/Inputs/fraction.json" 2>&1 | FileCheck %s --check-prefix=FRACTION
// RUN: not qfa-opt %S/../Inputs/tiny-llama.mlir --qfa-build-supernet=group-size=16 --qfa-build-functions=functions=train_step --qfa-differentiate --qfa-specialize-bits="mode=static" 2>&1 | FileCheck %s --check-prefix=TRAINABLE

// MODE: error: mode 'dynamic' is not one of table, static
// SAMPLER: error: sampler 'random' is not one of resource-balanced, uniform
// SCALES: error: scale type 'bf16' is not one of f16, f32
// PAIR: error: configuration has 'a', wanted site=bits
// TWICE: error: configuration names site a twice
// MISSING: error: configuration gives site a no bits
// OFFERED: specialize-bits-errors.mlir:[[#]]:1: error: configuration gives site a 4 bits, it offers 2, 3
// UNKNOWN: error: configuration names site c, which the model does not have
// ABSENT: error: cannot read subnet file '{{.*}}absent.json': No such file or directory
// TRUNCATED: error: subnet file '{{.*}}truncated.json' is not JSON:
// WITHOUT: error: subnet file '{{.*}}without.json' has no object "configuration"
// FRACTION: error: subnet file '{{.*}}fraction.json' gives site a no whole number of bits
// TRAINABLE: error: mode static wants a program without training, found trainable model.layers.0.self_attn.q_proj.adapter_a

qfa.site @a bits [2, 3]
