// Session: loading, and the rows of the two tables.
#include "core/Session.h"

using namespace qfa::rt;

Session::Session(const Module &module, ThreadPool &pool, Device &device, const SessionSources &sources, uint64_t seed)
    : module(module), device(device), weightFile(sources.weights), onDevice(module, device) {
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
  std::vector<void *> addresses;
  for (size_t index = 0; index < hostParameters.size(); ++index)
    addresses.push_back(place(static_cast<char *>(hostParameters[index]),
                              Module::elements(module.raw.parameters[index]) * sizeof(float), "a parameter",
                              trained[index]));
  onDevice.setParameters(std::move(addresses));
}

void Session::setConfiguration(const Configuration &configuration) {
  std::vector<qfa_site_row_t> rows(module.elastics().size());
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
  onDevice.setRows(rows);
  current = configuration;
}

void Session::update(const Optimizer &optimizer, double gradientScale) {
  std::vector<qfa_trainable_row_t> rows;
  for (const qfa_trainable_t &trainable : module.trainables()) {
    TrainedTensor &tensor = trainedTensors->get(trainable, current);
    TrainedTensors::beginUpdate(tensor);
    auto part = [&](float *host) { return place(host, tensor.elements * sizeof(float), "the optimizer", true); };
    rows.push_back(
        optimizer.row(part(tensor.value), part(tensor.m.as<float>()), part(tensor.v.as<float>()), tensor.steps));
  }
  onDevice.update(rows, optimizer, gradientScale);
}
