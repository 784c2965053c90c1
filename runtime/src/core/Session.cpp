// Session: loading, the two tables, and calls.
#include "core/Session.h"

#include "support/Error.h"

#include <cmath>
#include <cstring>

using namespace qfa::rt;

Session::Session(const Module &module, ThreadPool &pool, Launcher &launcher, const SessionSources &sources,
                 uint64_t seed)
    : module(module), pool(pool), weightFile(sources.weights) {
  if (module.isStatic())
    copies.emplace(module, sources.weights);
  else if (!sources.supernet.empty())
    copies.emplace(module, sources.supernet);
  else
    copies.emplace(module, weightFile, pool);
  loadParameters(pool);
  std::vector<float *> values;
  for (void *parameter : parameterTable)
    values.push_back(static_cast<float *>(parameter));
  trainedTensors.emplace(module, values, seed);

  int64_t arenaBytes = 0;
  for (const qfa_entry_t &entry : module.entries())
    arenaBytes = std::max(arenaBytes, entry.arena_bytes);
  arena = Memory(arenaBytes);
  for (int kind = 0; kind < QFA_STATE_KIND_COUNT; ++kind) {
    states[kind] = Memory(module.raw.state_bytes[kind]);
    context.states[kind] = states[kind].data();
  }
  rows.resize(module.elastics().size());
  trainables.resize(module.trainables().size());
  context.runtime = &launcher;
  context.launch = Launcher::launch;
  context.copy = Launcher::copy;
  context.arena = arena.data();
  context.parameters = parameterTable.data();
  context.rows = rows.data();
  context.trainables = trainables.data();
}

void Session::loadParameters(ThreadPool &pool) {
  std::vector<bool> trained(module.parameters().size());
  for (const qfa_trainable_t &trainable : module.trainables())
    if (trainable.role == QFA_ROLE_VALUE)
      trained[trainable.source] = true;
  for (const qfa_parameter_t &parameter : module.parameters()) {
    size_t index = parameterTable.size();
    parameterTable.push_back(nullptr);
    if (!parameter.resident)
      continue;
    // Inference reads floats where they lie in the file; what is trained or converted needs memory of its own.
    const format::TensorView &view = weightFile.find(parameter);
    bool aligned = reinterpret_cast<uintptr_t>(view.data) % 64 == 0;
    if (!trained[index] && view.type == format::DType::F32 && aligned &&
        format::allFinite(view.as<float>().data(), view.count())) {
      parameterTable[index] = const_cast<uint8_t *>(view.data);
      continue;
    }
    parameterMemory.push_back(weightFile.load(parameter, pool));
    parameterTable[index] = parameterMemory.back().data();
  }
}

void Session::setConfiguration(const Configuration &configuration) {
  for (size_t index = 0; index < rows.size(); ++index) {
    const qfa_elastic_t &elastic = module.raw.elastics[index];
    int32_t bits = configuration[elastic.site];
    int64_t bitIndex = module.bitIndex(elastic.site, bits);
    CopyView copy = copies->get(index, bitIndex);
    qfa_site_row_t &row = rows[index];
    row = {copy.codes, copy.scales, copy.zeros, nullptr, nullptr, bits, 0};
    if (elastic.rank > 0) {
      row.adapter_a = trainedTensors->adapter(index, bitIndex, QFA_ROLE_ADAPTER_A).value;
      row.adapter_b = trainedTensors->adapter(index, bitIndex, QFA_ROLE_ADAPTER_B).value;
    }
  }
  current = configuration;
}

void Session::run(const qfa_entry_t &entry, std::initializer_list<void *> io) {
  if (static_cast<int>(io.size()) != entry.input_count + entry.output_count)
    fail("entry '{}' takes {} tensors, got {}", entry.name, entry.input_count + entry.output_count, io.size());
  entry.function(&context, io.begin());
}

void Session::zeroGradients() {
  constexpr int64_t part = 1 << 20;
  int64_t bytes = states[QFA_STATE_GRADIENT].size();
  pool.parallelFor((bytes + part - 1) / part, [&](int64_t begin, int64_t end, int) {
    std::memset(states[QFA_STATE_GRADIENT].data() + begin * part, 0, std::min(end * part, bytes) - begin * part);
  });
}

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
    trainables[index] = {tensor.value, tensor.m.as<float>(), tensor.v.as<float>(), correction(optimizer.beta1),
                         correction(optimizer.beta2)};
  }
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
