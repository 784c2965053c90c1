// `info`: what the program holds.
#include "cli/Commands.h"
#include "cli/Info.h"
#include "device/GpuDevice.h"
#include "support/Error.h"
#include "support/Files.h"
#include "support/Isa.h"

#include <algorithm>
#include <iostream>

using namespace qfa::rt;
using nlohmann::json;

static const char *modeName(const Module &module) {
  return module.isTable() ? "supernet" : module.isStatic() ? "subnet" : "dense";
}

static const char *dtypeName(int32_t type) {
  const char *names[] = {"f32", "f16", "bf16", "i32", "u32"};
  return names[type];
}

static json tensorsOf(const qfa_entry_t &entry, int first, int count) {
  json result = json::array();
  for (int i = first; i < first + count; ++i) {
    const qfa_tensor_t &tensor = entry.tensors[i];
    result.push_back(
        {{"type", dtypeName(tensor.dtype)}, {"shape", std::vector<int64_t>(tensor.dims, tensor.dims + tensor.rank)}});
  }
  return result;
}

std::string MemoryPlan::parts() const {
  return fmt::format("parameters {}, copies {}, adapters {}, optimizer {}, gradients {}, caches {}, arena {}{}",
                     humanBytes(parameters), humanBytes(copies), humanBytes(adapters), humanBytes(optimizer),
                     humanBytes(gradients), humanBytes(caches), humanBytes(arena),
                     workspace > 0 ? ", workspace " + humanBytes(workspace) : "");
}

void qfa::rt::checkMemory(const MemoryPlan &plan, const Device &device, const char *what) {
  std::optional<uint64_t> free = device.freeBytes();
  int64_t needed = plan.total() - plan.workspace;
  if (free && static_cast<uint64_t>(needed) > *free)
    fail("{} needs {} on {}, {} are free: {}; a smaller --batch or --activation-memory at compile time needs less",
         what, humanBytes(static_cast<double>(needed)), device.describe(), humanBytes(static_cast<double>(*free)),
         plan.parts());
}

static bool isUsed(std::span<const Configuration> configurations, int32_t site, int32_t bits) {
  auto uses = [&](const Configuration &configuration) { return configuration[site] == bits; };
  return configurations.empty() || std::any_of(configurations.begin(), configurations.end(), uses);
}

MemoryPlan qfa::rt::planMemory(const Module &module, bool onGpu, std::span<const Configuration> configurations) {
  MemoryPlan plan;
  if (onGpu)
    plan.workspace = GpuDevice::workspaceBytes(module);
  for (const qfa_parameter_t &parameter : module.parameters())
    plan.parameters += parameter.resident ? Module::elements(parameter) * 4 : 0;
  for (const qfa_elastic_t &elastic : module.elastics())
    for (int32_t bits : module.bitsOf(elastic.site)) {
      if (!isUsed(configurations, elastic.site, bits))
        continue;
      plan.copies += Module::copyBytes(elastic, bits);
      plan.adapters += elastic.rank * (elastic.in / elastic.group + elastic.out) * 4;
    }
  bool trains = module.find("train_step");
  for (const qfa_trainable_t &trainable : module.trainables())
    if (trains && trainable.role == QFA_ROLE_VALUE)
      plan.optimizer += trainable.elements * 8;
  plan.optimizer += trains ? plan.adapters * 2 : 0;
  plan.gradients = module.raw.state_bytes[QFA_STATE_GRADIENT];
  plan.caches = module.raw.state_bytes[QFA_STATE_CACHE];
  for (const qfa_entry_t &entry : module.entries())
    plan.arena = std::max(plan.arena, entry.arena_bytes);
  return plan;
}

json qfa::rt::toJson(const MemoryPlan &plan) {
  return {{"parameters", plan.parameters}, {"copies", plan.copies},       {"adapters", plan.adapters},
          {"optimizer", plan.optimizer},   {"gradients", plan.gradients}, {"caches", plan.caches},
          {"arena", plan.arena},           {"workspace", plan.workspace}, {"total", plan.total()}};
}

static json describe(const Module &module) {
  const qfa_module_t &raw = module.raw;
  json result = {{"model", raw.name},
                 {"compiler", raw.compiler_version},
                 {"mode", modeName(module)},
                 {"vocabulary", raw.vocabulary},
                 {"context", raw.context},
                 {"sampler", raw.sampler ? raw.sampler : ""},
                 {"memory", toJson(planMemory(module))},
                 {"entries", json::array()},
                 {"sites", json::array()},
                 {"kernels", json::array()}};
  for (const qfa_entry_t &entry : module.entries())
    result["entries"].push_back({{"name", entry.name},
                                 {"flops", entry.flops},
                                 {"launches", entry.launches},
                                 {"arena_bytes", entry.arena_bytes},
                                 {"inputs", tensorsOf(entry, 0, entry.input_count)},
                                 {"outputs", tensorsOf(entry, entry.input_count, entry.output_count)}});
  for (int64_t site = 0; site < raw.site_count; ++site) {
    std::span<const int32_t> bits = module.bitsOf(site);
    json linears = json::array();
    for (const qfa_elastic_t &elastic : module.elastics())
      if (elastic.site == site)
        linears.push_back({{"name", elastic.name},
                           {"out", elastic.out},
                           {"in", elastic.in},
                           {"group", elastic.group},
                           {"rank", elastic.rank}});
    result["sites"].push_back({{"name", raw.sites[site].name},
                               {"bits", std::vector<int32_t>(bits.begin(), bits.end())},
                               {"linears", linears}});
  }
  for (const qfa_kernel_t &kernel : module.kernels()) {
    json sets = json::array();
    for (int isa = 0; isa < raw.isa_count; ++isa)
      if (kernel.functions[isa])
        sets.push_back(isaName(static_cast<qfa_isa_t>(isa)));
    result["kernels"].push_back({{"name", kernel.name},
                                 {"tiles", kernel.tiles},
                                 {"flops", kernel.flops},
                                 {"scratch_bytes", kernel.scratch_bytes},
                                 {"isa", sets}});
  }
  return result;
}

static void printText(const Module &module) {
  const qfa_module_t &raw = module.raw;
  fmt::print("{}: {} of '{}', vocabulary {}, context {}, compiled by qfa {}\n", modeName(module),
             module.isTable() ? "all configurations" : "one configuration", raw.name, raw.vocabulary, raw.context,
             raw.compiler_version);
  bool onGpu = raw.gpu_image_count > 0;
  MemoryPlan plan = planMemory(module, onGpu);
  fmt::print("memory: {}\n", plan.parts());
  fmt::print("\n{:<16} {:>10} {:>9} {:>12}\n", "entry", "GFLOP", "launches", "arena");
  for (const qfa_entry_t &entry : module.entries())
    fmt::print("{:<16} {:>10.3f} {:>9} {:>12}\n", entry.name, entry.flops * 1e-9, entry.launches,
               humanBytes(entry.arena_bytes));
  if (raw.site_count > 0)
    fmt::print("\n{:<44} {:>10}  linears\n", "site", "bits");
  for (int64_t site = 0; site < raw.site_count; ++site) {
    int64_t linears = 0;
    for (const qfa_elastic_t &elastic : module.elastics())
      linears += elastic.site == site;
    fmt::print("{:<44} {:>10}  {}\n", raw.sites[site].name, fmt::format("{}", fmt::join(module.bitsOf(site), ",")),
               linears);
  }
  fmt::print("\n{} kernels; the best this processor runs is {}\n", raw.kernel_count, isaName(hostIsa()));
  if (!onGpu)
    return;
  std::vector<std::string> images;
  for (int64_t i = 0; i < raw.gpu_image_count; ++i) {
    const char *kinds[] = {"PTX", "machine code", "bitcode"};
    images.push_back(fmt::format("{} for sm_{} ({})", kinds[raw.gpu_images[i].kind], archOf(raw.gpu_images[i]),
                                 humanBytes(static_cast<double>(raw.gpu_images[i].bytes))));
  }
  fmt::print("for GPUs, with {} factors: {}\n", raw.gpu_precision, fmt::join(images, ", "));
}

void qfa::rt::addInfo(CLI::App &app, const Program &program) {
  CLI::App *command = app.add_subcommand("info", "Say what the program holds: sites, entries, kernels, memory");
  auto asJson = std::make_shared<bool>(false);
  command->add_flag("--json", *asJson, "All of it as JSON");
  command->callback([&program, asJson] {
    if (*asJson)
      std::cout << describe(program.module).dump(1) << "\n";
    else
      printText(program.module);
  });
}
