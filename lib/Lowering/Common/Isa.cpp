// The table of instruction sets.
#include "Isa.h"

using namespace qfa;

// Tiles fill the registers: mr * nr / lanes accumulators, nr / lanes of the panel and one broadcast.
static const Isa table[] = {
    {"portable", 4, 4, 8, false, false, "", ""},
    {"avx2", 8, 6, 16, true, true, "x86-64-v3", ""},
    {"avx512", 16, 12, 32, true, true, "x86-64-v4", "512"},
};

llvm::ArrayRef<Isa> qfa::allIsas() { return table; }

const Isa *qfa::findIsa(llvm::StringRef name) {
  for (const Isa &isa : table)
    if (isa.name == name)
      return &isa;
  return nullptr;
}
