// The signal handler: a flag, and the default behaviour restored for the second signal.
#include "support/Interrupt.h"

#include <csignal>
#include <unistd.h>

static volatile std::sig_atomic_t flag = 0;

static void onSignal(int signal) {
  flag = 1;
  std::signal(signal == SIGINT ? SIGTERM : SIGINT, SIG_DFL); // SA_RESETHAND has done the same for this one
  const char text[] = "\nfinishing; once more to quit at once\n";
  [[maybe_unused]] ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
}

static void install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

qfa::rt::InterruptGuard::InterruptGuard() {
  flag = 0;
  install(onSignal);
}

qfa::rt::InterruptGuard::~InterruptGuard() { install(SIG_DFL); }

bool qfa::rt::interrupted() { return flag != 0; }
