// Session: loading, the two tables, and calls.
#include "core/Session.h"

#include "support/Error.h"

#include <cmath>
#include <cstring>

using namespace qfa::rt;

Session::Session(const Module &module, ThreadPool &pool, Device &device, const SessionSources &sources, uint64_t seed)
    : module(module), device(device), weightFile(sources.weights) {
  if (module.isStatic())
    copies.emplace(module, sources.weights);
  else if (!sources.supernet.empty())
    copies.emplace(module, sources.supernet);
  else
    copies.emplace(module, weightFile, pool);
  loadParameters(pool);
  std::vector<float *> values;
  for (void *parameter : hostParameters)
    values.push_back(static_cast<float *>(parameter));
  trainedTensors.emplace(module, values, seed);

  int64_t arenaBytes = 0;
  for (const qfa_entry_t &entry : module.entries())
    arenaBytes = std::max(arenaBytes, entry.arena_bytes);
  arena = DeviceMemory(device, "the arena", arenaBytes);
  const char *names[QFA_STATE_KIND_COUNT] = {"gradients", "caches"};
  for (int kind = 0; kind < QFA_STATE_KIND_COUNT; ++kind) {
    states[kind] = DeviceMemory(device, names[kind], module.raw.state_bytes[kind]);
    context.states[kind] = states[kind].data();
  }
  rows.resize(module.elastics().size());
  trainables.resize(module.trainables().size());
  rowTable = DeviceMemory(device, "the site table", rows.size() * sizeof(qfa_site_row_t));
  trainableTable = DeviceMemory(device, "the table of trainables", trainables.size() * sizeof(qfa_trainable_row_t));
  device.bind(context);
  context.arena = arena.data();
  context.parameters = parameterTable.data();
  context.rows = reinterpret_cast<const qfa_site_row_t *>(rowTable.data());
  context.trainables = reinterpret_cast<const qfa_trainable_row_t *>(trainableTable.data());
  zeroGradients();
}

template <typename T>
T *Session::place(T *host, uint64_t bytes, const char *what, bool isTrained) {
  if (device.isHost() || !host || bytes == 0)
    return host;
  Placed &found = placed[host];
  if (!found.memory.data())
    found.memory = DeviceMemory(device, what, bytes);
  if (!found.isNewer)
    device.upload(found.memory.data(), host, bytes);
  found.isTrained = isTrained;
  found.isNewer = true;
  return reinterpret_cast<T *>(found.memory.data());
}

void Session::placeTrainedParameters() {
  for (const qfa_trainable_t &trainable : module.trainables())
    if (trainable.role == QFA_ROLE_VALUE)
      place(static_cast<char *>(hostParameters[trainable.source]), trainable.elements * sizeof(float), "a parameter",
            true);
}

TrainedTensors &Session::trained() {
  for (auto &[host, tensor] : placed)
    if (tensor.isTrained && tensor.isNewer) {
      device.download(const_cast<void *>(host), tensor.memory.data(), tensor.memory.size());
      tensor.isNewer = false;
    }
  return *trainedTensors;
}

void Session::loadParameters(ThreadPool &pool) {
  std::vector<bool> trained(module.parameters().size());
  for (const qfa_trainable_t &trainable : module.trainables())
    if (trainable.role == QFA_ROLE_VALUE)
      trained[trainable.source] = true;
  for (const qfa_parameter_t &parameter : module.parameters()) {
    size_t index = hostParameters.size();
    hostParameters.push_back(nullptr);
    if (!parameter.resident)
      continue;
    // Inference reads floats where they lie in the file; what is trained, rounded or converted needs memory of its own.
    const format::TensorView &view = weightFile.find(parameter);
    bool aligned = reinterpret_cast<uintptr_t>(view.data) % 64 == 0;
    if (!trained[index] && parameter.dtype == QFA_F32 && view.type == format::DType::F32 && aligned &&
        format::allFinite(view.as<float>().data(), view.count())) {
      hostParameters[index] = const_cast<uint8_t *>(view.data);
      continue;
    }
    parameterMemory.push_back(weightFile.load(parameter, pool));
    hostParameters[index] = parameterMemory.back().data();
  }
  for (size_t index = 0; index < hostParameters.size(); ++index)
    parameterTable.push_back(place(static_cast<char *>(hostParameters[index]),
                                   Module::elements(module.raw.parameters[index]) * sizeof(float), "a parameter",
                                   trained[index]));
}

void Session::setConfiguration(const Configuration &configuration) {
  for (size_t index = 0; index < rows.size(); ++index) {
    const qfa_elastic_t &elastic = module.raw.elastics[index];
    int32_t bits = configuration[elastic.site];
    int64_t bitIndex = module.bitIndex(elastic.site, bits);
    CopyView copy = copies->get(index, bitIndex);
    int64_t scaleBytes = Module::scaleBytes(elastic);
    qfa_site_row_t &row = rows[index];
    row = {place(copy.codes, Module::codeBytes(elastic, bits), "codes"),
           place(static_cast<const char *>(copy.scales), scaleBytes, "scales"),
           place(static_cast<const char *>(copy.zeros), scaleBytes, "zeros"),
           nullptr,
           nullptr,
           bits,
           0};
    if (elastic.rank > 0) {
      auto adapter = [&](qfa_role_t role) {
        TrainedTensor &tensor = trainedTensors->adapter(index, bitIndex, role);
        return place(tensor.value, tensor.elements * sizeof(float), "an adapter", true);
      };
      row.adapter_a = adapter(QFA_ROLE_ADAPTER_A);
      row.adapter_b = adapter(QFA_ROLE_ADAPTER_B);
    }
  }
  placeTrainedParameters();
  device.upload(rowTable.data(), rows.data(), rowTable.size());
  current = configuration;
}

void Session::run(const qfa_entry_t &entry, std::initializer_list<void *> io) {
  if (static_cast<int>(io.size()) != entry.input_count + entry.output_count)
    fail("entry '{}' takes {} tensors, got {}", entry.name, entry.input_count + entry.output_count, io.size());
  if (device.isHost())
    return device.run(entry, context, io.begin());
  std::vector<DeviceMemory> &memory = entryMemory[&entry];
  std::vector<void *> addresses;
  for (size_t i = 0; i < io.size(); ++i) {
    if (memory.size() == i)
      memory.emplace_back(device, "inputs and outputs", Module::elements(entry.tensors[i]) * sizeof(float));
    addresses.push_back(memory[i].data());
  }
  for (int i = 0; i < entry.input_count; ++i)
    device.upload(memory[i].data(), io.begin()[i], memory[i].size());
  device.run(entry, context, addresses.data());
  for (size_t i = entry.input_count; i < io.size(); ++i)
    device.download(io.begin()[i], memory[i].data(), memory[i].size());
}

void Session::zeroGradients() { device.clear(states[QFA_STATE_GRADIENT].data(), states[QFA_STATE_GRADIENT].size()); }

double Session::gradientNorm() {
  float sum = 0;
  run(module.entry("gradient_norm"), {&sum});
  return std::sqrt(static_cast<double>(sum));
}

void Session::update(const Optimizer &optimizer, double gradientScale) {
  for (size_t index = 0; index < trainables.size(); ++index) {
    TrainedTensor &tensor = trainedTensors->get(module.raw.trainables[index], current);
    TrainedTensors::beginUpdate(tensor);
    auto correction = [&](double beta) { return static_cast<float>(1 - std::pow(beta, tensor.steps)); };
    auto part = [&](float *host) { return place(host, tensor.elements * sizeof(float), "the optimizer", true); };
    trainables[index] = {part(tensor.value), part(tensor.m.as<float>()), part(tensor.v.as<float>()),
                         correction(optimizer.beta1), correction(optimizer.beta2)};
  }
  device.upload(trainableTable.data(), trainables.data(), trainableTable.size());
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
