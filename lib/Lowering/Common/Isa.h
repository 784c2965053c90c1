// The instruction sets kernels are compiled for: widths, micro-kernel sizes and what LLVM calls them.
#ifndef QFA_LIB_LOWERING_COMMON_ISA_H
#define QFA_LIB_LOWERING_COMMON_ISA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace qfa {

struct Isa {
  llvm::StringRef name;
  int64_t lanes;         // floats in a register
  int64_t mr, nr;        // rows and columns of the micro-kernel's tile; nr divides 32 and lanes divides nr
  bool hasFma;           // otherwise a fused multiplication would become a library call
  bool hasHalf;          // converts f16 in hardware; otherwise it would become a library call
  llvm::StringRef cpu;   // LLVM target-cpu of the functions; empty: what the module is compiled for
  llvm::StringRef width; // LLVM prefer-vector-width, in bits; empty: its default
};

// portable, avx2, avx512, in the order of qfa_isa_t.
llvm::ArrayRef<Isa> allIsas();
// Null when there is none of that name.
const Isa *findIsa(llvm::StringRef name);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ISA_H
