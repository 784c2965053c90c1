// Names, initial values and look-up of trained tensors.
#include "core/TrainedTensors.h"

#include "support/Random.h"

#include <cmath>
#include <cstring>

using namespace qfa::rt;

TrainedTensors::TrainedTensors(const Module &module, const std::vector<float *> &parameters, uint64_t seed)
    : module(module), seed(seed) {
  auto add = [&](std::string name, std::vector<int64_t> shape) -> TrainedTensor & {
    TrainedTensor &tensor = tensors.emplace_back();
    tensor.name = std::move(name);
    tensor.elements = 1;
    for (int64_t size : shape)
      tensor.elements *= size;
    tensor.shape = std::move(shape);
    return tensor;
  };
  for (const qfa_elastic_t &elastic : module.elastics()) {
    firstOfElastic.push_back(tensors.size());
    for (int32_t bits : module.bitsOf(elastic.site))
      if (elastic.rank > 0) {
        add(Module::prefix(elastic, bits) + "adapter_a", {elastic.rank, elastic.in / elastic.group});
        add(Module::prefix(elastic, bits) + "adapter_b", {elastic.out, elastic.rank});
      }
  }
  for (const qfa_trainable_t &trainable : module.trainables()) {
    tensorOfTrainable.push_back(trainable.role == QFA_ROLE_VALUE ? tensors.size() : -1);
    if (trainable.role != QFA_ROLE_VALUE)
      continue;
    const qfa_parameter_t &parameter = module.raw.parameters[trainable.source];
    add(parameter.name, Module::shape(parameter)).value = parameters[trainable.source];
  }
}

void TrainedTensors::initialize(TrainedTensor &tensor, bool random) {
  tensor.memory = floats(tensor.elements);
  tensor.value = tensor.memory.as<float>();
  if (!random)
    return;
  // Xavier: uniform with variance 2 / (rank + groups).
  float bound = std::sqrt(6.0f / (tensor.shape[0] + tensor.shape[1]));
  uint64_t key = streamKey(seed, tensor.name);
  for (int64_t i = 0; i < tensor.elements; ++i)
    tensor.value[i] = bound * (2 * static_cast<float>(randomUniform(key, 0, i)) - 1);
}

TrainedTensor &TrainedTensors::adapter(int64_t elastic, int64_t bitIndex, qfa_role_t role) {
  TrainedTensor &tensor = tensors[firstOfElastic[elastic] + 2 * bitIndex + (role == QFA_ROLE_ADAPTER_B)];
  if (!tensor.value)
    initialize(tensor, role == QFA_ROLE_ADAPTER_A);
  return tensor;
}

TrainedTensor &TrainedTensors::get(const qfa_trainable_t &trainable, const Configuration &configuration) {
  if (trainable.role == QFA_ROLE_VALUE)
    return tensors[tensorOfTrainable[&trainable - module.raw.trainables]];
  int64_t site = module.raw.elastics[trainable.source].site;
  return adapter(trainable.source, module.bitIndex(site, configuration[site]), static_cast<qfa_role_t>(trainable.role));
}

void TrainedTensors::beginUpdate(TrainedTensor &tensor) {
  if (tensor.m.empty()) {
    tensor.m = floats(tensor.elements);
    tensor.v = floats(tensor.elements);
  }
  ++tensor.steps;
}

std::vector<TrainedTensor *> TrainedTensors::updated() {
  std::vector<TrainedTensor *> result;
  for (TrainedTensor &tensor : tensors)
    if (tensor.steps > 0)
      result.push_back(&tensor);
  return result;
}

std::vector<TensorState> TrainedTensors::states() {
  std::vector<TensorState> result;
  for (const TrainedTensor *tensor : updated())
    result.push_back({tensor->name, tensor->shape, tensor->value, tensor->m.as<float>(), tensor->v.as<float>(),
                      tensor->elements, tensor->steps});
  return result;
}

TrainedTensor *TrainedTensors::find(std::string_view name) {
  for (TrainedTensor &tensor : tensors)
    if (tensor.name == name) {
      if (!tensor.value)
        initialize(tensor, false);
      return &tensor;
    }
  return nullptr;
}

uint64_t TrainedTensors::bytes() const {
  uint64_t sum = 0;
  for (const TrainedTensor &tensor : tensors)
    sum += tensor.memory.size() + tensor.m.size() + tensor.v.size();
  return sum;
}
