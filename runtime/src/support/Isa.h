// Instruction sets: what the processor has, and what the user asked for.
#ifndef QFA_RUNTIME_SUPPORT_ISA_H
#define QFA_RUNTIME_SUPPORT_ISA_H

#include "qfa/module_abi.h"

#include <string_view>

namespace qfa::rt {

const char *isaName(qfa_isa_t isa);
/// Throws Error for a name that is none of portable, avx2, avx512.
qfa_isa_t parseIsa(std::string_view name);
/// The highest set that processor and operating system support.
qfa_isa_t hostIsa();

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_ISA_H
