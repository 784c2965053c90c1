// Making a session from the options that all commands share.
#include "cli/Machine.h"

#include "cli/Info.h"
#include "support/Error.h"
#include "support/Isa.h"

#include <filesystem>

using namespace qfa::rt;
namespace fs = std::filesystem;

std::string qfa::rt::findWeights(const Program &program, const MachineOptions &options) {
  if (options.weights.empty()) {
    std::string beside = program.path + ".safetensors";
    if (!fs::exists(beside))
      fail("no weights beside the program: '{}' does not exist; name them with --weights", beside);
    return beside;
  }
  if (!fs::is_directory(options.weights))
    return options.weights;
  fs::path inRun = fs::path(options.weights) / "model.safetensors";
  if (!fs::exists(inRun))
    fail("'{}' is no run with whole weights: it holds no model.safetensors", options.weights);
  return inRun.string();
}

static std::optional<qfa_isa_t> askedIsa(const std::string &name) {
  return name.empty() ? std::nullopt : std::optional(parseIsa(name));
}

std::unique_ptr<Device> qfa::rt::openDevice(const Module &module, ThreadPool &pool, const MachineOptions &options) {
  return openDevice(module, pool, DeviceOptions{options.device, askedIsa(options.isa), options.profile, options.gemm});
}

static std::unique_ptr<Device> open(const Module &module, ThreadPool &pool, const MachineOptions &options) {
  auto device = openDevice(module, pool, options);
  if (options.trains)
    checkMemory(planMemory(module), *device, "training");
  return device;
}

Machine::Machine(const Program &program, const MachineOptions &options, const SessionSources &sources, uint64_t seed)
    : Machine(program, options, [&](ThreadPool &) { return sources; }, seed) {}

Machine::Machine(const Program &program, const MachineOptions &options,
                 const std::function<SessionSources(ThreadPool &)> &makeSources, uint64_t seed)
    : pool(options.threads), device(open(program.module, pool, options)),
      session(program.module, pool, *device, makeSources(pool), seed) {}

Machine::~Machine() {
  if (device->profiles())
    fmt::print(stderr, "{}", device->profileTable());
}
