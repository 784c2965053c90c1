// SIGINT and SIGTERM: the first asks the work to end at its next safe point, the second ends the process.
#ifndef QFA_RUNTIME_SUPPORT_INTERRUPT_H
#define QFA_RUNTIME_SUPPORT_INTERRUPT_H

namespace qfa::rt {

/// While one exists, the first signal only sets a flag.
class InterruptGuard {
public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard &) = delete;
};

bool interrupted();

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_INTERRUPT_H
