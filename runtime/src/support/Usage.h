// Time and memory that the process has used.
#ifndef QFA_RUNTIME_SUPPORT_USAGE_H
#define QFA_RUNTIME_SUPPORT_USAGE_H

#include <cstdint>

namespace qfa::rt {

double wallSeconds(); ///< of a clock that never goes back
double cpuSeconds();  ///< of all threads, user and system
uint64_t peakMemoryBytes();
uint64_t residentMemoryBytes();

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_USAGE_H
