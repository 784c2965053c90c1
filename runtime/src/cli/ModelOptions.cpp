// The options that say which model a command works on.
#include "cli/Commands.h"
#include "cli/RunFolder.h"
#include "support/Error.h"
#include "support/Files.h"
#include "train/Checkpoint.h"

#include <nlohmann/json.hpp>

using namespace qfa::rt;
using nlohmann::json;

void qfa::rt::addDeviceOptions(CLI::App &command, MachineOptions &options) {
  command.add_option("--threads", options.threads, "Threads; 0: one per available core")->check(CLI::Range(0, 1024));
  command.add_option("--isa", options.isa, "portable, avx2 or avx512; default: the best here, or QFA_ISA");
  command.add_option("--device", options.device, "cpu, cuda, cuda:N, emulated, or auto: a GPU where one is");
  command.add_option("--gemm", options.gemm,
                     "Matrix products on a GPU: generated, cublaslt, or auto: large ones by cuBLASLt where it is");
  command.add_flag("--profile", options.profile, "At the end, a table of the time that each kernel took");
}

void qfa::rt::addMachineOptions(CLI::App &command, MachineOptions &options) {
  addDeviceOptions(command, options);
  command.add_option("--weights", options.weights, "Weights: safetensors or a run; default: beside the program");
}

void qfa::rt::addModelOptions(CLI::App &command, const Program &program, ModelOptions &options) {
  if (program.module.isStatic())
    return;
  command.add_option("--run", options.run, "A training run; default: what training starts from");
  if (!program.module.isTable())
    return;
  auto *bits = command.add_option("--bits", options.bits, "Every site at this width; default: the widest");
  command.add_option("--configuration", options.configuration, "Widths by site, as search writes them")->excludes(bits);
  command.add_flag("--initial", options.initial, "The run's copies as they were rounded, without what it has learned");
}

Configuration qfa::rt::readConfiguration(const Module &module, const std::string &path) {
  json content = json::parse(readTextFile(path), nullptr, false);
  if (!content.is_object() || !content.contains("configuration") || !content["configuration"].is_object())
    fail("{}: wanted JSON with a 'configuration' of bits by site", path);
  const json &bits = content["configuration"];
  Configuration result;
  for (const qfa_site_t &site : module.sites()) {
    auto found = bits.find(site.name);
    if (found == bits.end() || !found->is_number_integer())
      fail("{}: no bits for site '{}'", path, site.name);
    module.bitIndex(result.size(), found->get<int32_t>());
    result.push_back(found->get<int32_t>());
  }
  if (bits.size() != result.size())
    fail("{}: configuration of {} sites, this program has {}", path, bits.size(), result.size());
  return result;
}

std::unique_ptr<Machine> qfa::rt::openMachine(const Program &program, const MachineOptions &options,
                                              const ModelOptions &model) {
  MachineOptions resolved = options;
  SessionSources sources;
  if (!model.run.empty()) {
    RunFolder run(model.run);
    run.check();
    ConfigValues values = run.values();
    if (resolved.weights.empty() && !std::filesystem::exists(program.path + ".safetensors") &&
        values.contains("weights"))
      resolved.weights = values.at("weights").at(0);
    if (program.module.isTable()) {
      sources.supernet = run.supernet().string();
      checkSupernet(program.module, sources.supernet);
    }
  }
  sources.weights = findWeights(program, resolved);
  auto machine = std::make_unique<Machine>(program, resolved, sources, 0);
  if (!model.run.empty() && !model.initial)
    if (!Checkpoints(model.run, program.module.isDense()).load(machine->session.trained(), false))
      fail("run '{}' has no checkpoint yet", model.run);
  if (!model.configuration.empty())
    machine->session.setConfiguration(readConfiguration(program.module, model.configuration));
  else if (model.bits > 0)
    machine->session.setConfiguration(program.module.uniform(model.bits));
  else // once more: a checkpoint has brought adapters
    machine->session.setConfiguration(program.module.largest());
  return machine;
}
