// What a command works with: the program it belongs to, and threads, device and session together.
#ifndef QFA_RUNTIME_CLI_MACHINE_H
#define QFA_RUNTIME_CLI_MACHINE_H

#include "core/Session.h"

#include <functional>
#include <memory>

namespace qfa::rt {

struct Program {
  const Module &module;
  std::string path; ///< of the executable
};

struct MachineOptions {
  int threads = 0;
  std::string isa;
  std::string device = "auto", gemm = "auto";
  bool profile = false;
  bool trains = false; ///< all that training needs must fit
  std::string weights; ///< a safetensors file or a run; empty: beside the program
};

class Machine {
public:
  Machine(const Program &program, const MachineOptions &options, const SessionSources &sources, uint64_t seed);
  /// makeSources is called once the device is open, so that nothing is written for one that is not there.
  Machine(const Program &program, const MachineOptions &options,
          const std::function<SessionSources(ThreadPool &)> &makeSources, uint64_t seed);
  ~Machine(); ///< prints the profile, when one was asked for

  ThreadPool pool;
  std::unique_ptr<Device> device;
  Session session;
};

/// The device that these options name, as openDevice of device/Device.h.
std::unique_ptr<Device> openDevice(const Module &module, ThreadPool &pool, const MachineOptions &options);

/// The weight file that these options name. Throws Error when there is none.
std::string findWeights(const Program &program, const MachineOptions &options);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_MACHINE_H
