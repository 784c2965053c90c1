// A small model written by hand against the module ABI, to test the runtime without the compiler.
//
// Table module "fake": h[t] = norm * (E[id t] + E[id t-1] / 2) with E an elastic embedding at 8 bits,
// h1 = h + W1 h with W1 at a site of widths 2, 3, 4, logits = W2 h1 with W2 at a site of widths 2, 4; both with
// adapters whose gradients are real. Dense module "bigram": logits[t] = T[id t], T trained in float.
#ifndef QFA_TEST_FAKEMODULE_H
#define QFA_TEST_FAKEMODULE_H

#include "qfa/module_abi.h"

#include <cstdint>

namespace fake {

constexpr int64_t vocabulary = 32, hidden = 16, group = 8, rank = 2, batch = 2, sequence = 8, context = 20, block = 4;

extern const qfa_module_t table, dense;

/// What the runtime accepts and that holds nothing: a test adds what it is about.
inline qfa_module_t emptyModule() {
  qfa_module_t module = {};
  module.abi_version = QFA_MODULE_ABI_VERSION;
  module.struct_size = sizeof module;
  module.isa_count = QFA_ISA_COUNT;
  return module;
}

/// Calls of train_step whose losses become NaN, by number since the last reset; none when empty range.
extern int64_t poisonFrom, poisonTo, trainCalls;

} // namespace fake

#endif // QFA_TEST_FAKEMODULE_H
