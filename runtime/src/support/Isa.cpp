// Instruction sets of the processor, by CPUID.
#include "support/Isa.h"

#include "support/Error.h"

using namespace qfa::rt;

const char *qfa::rt::isaName(qfa_isa_t isa) {
  switch (isa) {
  case QFA_ISA_AVX2:
    return "avx2";
  case QFA_ISA_AVX512:
    return "avx512";
  default:
    return "portable";
  }
}

qfa_isa_t qfa::rt::parseIsa(std::string_view name) {
  for (qfa_isa_t isa : {QFA_ISA_PORTABLE, QFA_ISA_AVX2, QFA_ISA_AVX512})
    if (name == isaName(isa))
      return isa;
  fail("instruction set '{}' is unknown, wanted portable, avx2 or avx512", name);
}

qfa_isa_t qfa::rt::hostIsa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  // What compilers call x86-64-v4, which kernels for avx512 are compiled for.
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512)
    return QFA_ISA_AVX512;
  if (avx2)
    return QFA_ISA_AVX2;
#endif
  return QFA_ISA_PORTABLE;
}
