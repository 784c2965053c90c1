// Memory for entries, and their calls.
#include "core/DeviceModule.h"

#include "support/Error.h"

#include <algorithm>
#include <cmath>

using namespace qfa::rt;

qfa_trainable_row_t Optimizer::row(float *value, float *m, float *v, int64_t steps) const {
  auto correction = [&](double beta) { return static_cast<float>(1 - std::pow(beta, steps)); };
  return {value, m, v, correction(beta1), correction(beta2)};
}

DeviceModule::DeviceModule(const Module &module, Device &device) : module(module), device(device) {
  int64_t arenaBytes = 0;
  for (const qfa_entry_t &entry : module.entries())
    arenaBytes = std::max(arenaBytes, entry.arena_bytes);
  arena = DeviceMemory(device, "the arena", arenaBytes);
  const char *names[QFA_STATE_KIND_COUNT] = {"gradients", "caches"};
  for (int kind = 0; kind < QFA_STATE_KIND_COUNT; ++kind) {
    states[kind] = DeviceMemory(device, names[kind], module.raw.state_bytes[kind]);
    context.states[kind] = states[kind].data();
  }
  rowTable = DeviceMemory(device, "the site table", module.elastics().size() * sizeof(qfa_site_row_t));
  trainableTable =
      DeviceMemory(device, "the table of trainables", module.trainables().size() * sizeof(qfa_trainable_row_t));
  device.bind(context);
  context.arena = arena.data();
  context.rows = reinterpret_cast<const qfa_site_row_t *>(rowTable.data());
  context.trainables = reinterpret_cast<const qfa_trainable_row_t *>(trainableTable.data());
  zeroGradients();
}

void DeviceModule::setParameters(std::vector<void *> addresses) {
  parameters = std::move(addresses);
  context.parameters = parameters.data();
}

void DeviceModule::setRows(std::span<const qfa_site_row_t> rows) {
  device.upload(rowTable.data(), rows.data(), rows.size_bytes());
}

void DeviceModule::run(const qfa_entry_t &entry, std::span<void *const> io) {
  if (static_cast<int>(io.size()) != entry.input_count + entry.output_count)
    fail("entry '{}' takes {} tensors, got {}", entry.name, entry.input_count + entry.output_count, io.size());
  if (device.isHost())
    return device.run(entry, context, io.data());
  std::vector<DeviceMemory> &memory = entryMemory[&entry];
  std::vector<void *> addresses;
  for (size_t i = 0; i < io.size(); ++i) {
    if (memory.size() == i)
      memory.emplace_back(device, "inputs and outputs", Module::elements(entry.tensors[i]) * sizeof(float));
    addresses.push_back(memory[i].data());
  }
  for (int i = 0; i < entry.input_count; ++i)
    device.upload(memory[i].data(), io[i], memory[i].size());
  device.run(entry, context, addresses.data());
  for (size_t i = entry.input_count; i < io.size(); ++i)
    device.download(io[i], memory[i].data(), memory[i].size());
}

void DeviceModule::zeroGradients() {
  device.clear(states[QFA_STATE_GRADIENT].data(), states[QFA_STATE_GRADIENT].size());
}

double DeviceModule::gradientNorm() {
  float sum = 0;
  run(module.entry("gradient_norm"), {&sum});
  return std::sqrt(static_cast<double>(sum));
}

void DeviceModule::update(std::span<const qfa_trainable_row_t> trainables, const Optimizer &optimizer,
                          double gradientScale) {
  device.upload(trainableTable.data(), trainables.data(), trainables.size_bytes());
  float hyper[8] = {optimizer.learningRate,
                    optimizer.beta1,
                    optimizer.beta2,
                    optimizer.epsilon,
                    optimizer.weightDecay,
                    0,
                    static_cast<float>(gradientScale),
                    0};
  run(module.entry("update"), {hyper});
}
