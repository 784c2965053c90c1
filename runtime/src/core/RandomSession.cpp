// One block of random numbers on the host, uploaded again and again.
#include "core/RandomSession.h"

#include "qfa/Format/Numbers.h"
#include "support/Memory.h"
#include "support/Random.h"

#include <algorithm>
#include <cmath>

using namespace qfa::rt;
namespace format = qfa::format;

// Making numbers one by one for every weight would take minutes for a large model.
class qfa::rt::RandomBlock {
public:
  explicit RandomBlock(Device &device) : device(device), bits(length * sizeof(uint32_t)), floats(bits.size()) {
    uint64_t key = streamKey(0, "random block");
    for (int64_t i = 0; i < length; ++i)
      bits.as<uint32_t>()[i] = static_cast<uint32_t>(randomBits(key, 0, i));
  }

  void fillWords(void *to, int64_t words) { uploadParts(to, words, bits.data()); }

  /// Uniform in +-bound.
  void fillFloats(void *to, int64_t count, double bound) {
    if (bound != ready)
      for (int64_t i = 0; i < length; ++i)
        floats.as<float>()[i] = static_cast<float>(bound * (bits.as<uint32_t>()[i] * 0x1p-31 - 1));
    ready = bound;
    uploadParts(to, count, floats.data());
  }

private:
  // Goes on in the block where the last tensor ended, so that no two are alike.
  void uploadParts(void *to, int64_t words, const char *from) {
    for (int64_t done = 0; done < words;) {
      int64_t count = std::min(words - done, length - next);
      device.upload(static_cast<char *>(to) + done * 4, from + next * 4, count * 4);
      done += count;
      next = (next + count) % length;
    }
  }

  // 4 MiB; a prime, so that rows of a matrix repeat only after that many.
  static constexpr int64_t length = 1048573;
  Device &device;
  Memory bits, floats;
  double ready = 0; // bound of the floats
  int64_t next = 0;
};

static void fillWith(Device &device, double value, void *to, int64_t count, int32_t type) {
  auto number = static_cast<float>(value);
  if (type == QFA_F16) {
    std::vector<uint16_t> numbers(count, format::floatToHalf(number));
    return device.upload(to, numbers.data(), count * sizeof(uint16_t));
  }
  std::vector<float> numbers(count, number);
  device.upload(to, numbers.data(), count * sizeof(float));
}

// Bound of a matrix's weights.
static double boundOf(const Module &module, int64_t rows, int64_t inputs) {
  return (rows == module.raw.vocabulary ? 0.1 : 1) / std::sqrt(static_cast<double>(inputs));
}

RandomSession::RandomSession(const Module &module, Device &device, std::span<const Configuration> configurations)
    : onDevice(module, device), module(module), device(device), trains(module.find("train_step")),
      copies(module.elastics().size()) {
  RandomBlock block(device);
  addParameters(block);
  for (size_t index = 0; index < copies.size(); ++index) {
    const qfa_elastic_t &elastic = module.raw.elastics[index];
    for (const Configuration &configuration : configurations)
      if (int32_t bits = configuration[elastic.site]; !copies[index].contains(bits))
        copies[index][bits] = makeCopy(elastic, bits, block);
  }
  // A token that is decoded reads what was before it.
  DeviceMemory &caches = onDevice.state(QFA_STATE_CACHE);
  block.fillFloats(caches.data(), static_cast<int64_t>(caches.size() / sizeof(float)), 1);
}

char *RandomSession::allocate(const char *what, int64_t bytes) {
  return memory.emplace_back(device, what, bytes).data();
}

RandomSession::Trained RandomSession::addTrained(int64_t elements) {
  auto bytes = static_cast<int64_t>(elements * sizeof(float));
  auto add = [&](const char *what) { return reinterpret_cast<float *>(allocate(what, bytes)); };
  Trained result{add("a trained tensor")};
  if (!trains)
    return result;
  result.m = add("the optimizer");
  result.v = add("the optimizer");
  device.clear(result.m, bytes);
  device.clear(result.v, bytes);
  return result;
}

void RandomSession::addParameters(RandomBlock &block) {
  std::vector<bool> trained(module.parameters().size());
  for (const qfa_trainable_t &trainable : module.trainables())
    if (trainable.role == QFA_ROLE_VALUE)
      trained[trainable.source] = true;
  std::vector<void *> addresses;
  for (const qfa_parameter_t &parameter : module.parameters()) {
    int64_t count = Module::elements(parameter), inputs = parameter.dims[parameter.rank - 1];
    Trained &tensor = parameters.emplace_back();
    if (parameter.resident && trained[addresses.size()])
      tensor = addTrained(count);
    else if (parameter.resident)
      tensor.value = reinterpret_cast<float *>(allocate("a parameter", count * 4));
    addresses.push_back(tensor.value);
    if (tensor.value && parameter.rank == 1)
      fillWith(device, 1, tensor.value, count, QFA_F32);
    else if (tensor.value)
      block.fillFloats(tensor.value, count, boundOf(module, count / inputs, inputs));
  }
  onDevice.setParameters(std::move(addresses));
}

RandomSession::Copy RandomSession::makeCopy(const qfa_elastic_t &elastic, int32_t bits, RandomBlock &block) {
  Copy copy;
  char *codes = allocate("codes", Module::codeBytes(elastic, bits));
  block.fillWords(codes, Module::codeBytes(elastic, bits) / 4);
  // Codes 0 .. 2^bits - 1 become numbers in +-bound.
  double bound = boundOf(module, elastic.out, elastic.in), step = 2 * bound / ((1 << bits) - 1);
  auto constant = [&](const char *what, double value) {
    char *numbers = allocate(what, Module::scaleBytes(elastic));
    fillWith(device, value, numbers, format::scaleCount(elastic.out, elastic.in, elastic.group), elastic.scale_dtype);
    return numbers;
  };
  char *scales = constant("scales", step), *zeros = constant("zeros", -bound);
  copy.row = {reinterpret_cast<uint32_t *>(codes), scales, zeros, nullptr, nullptr, bits, 0};
  if (elastic.rank == 0)
    return copy;
  int64_t groups = elastic.in / elastic.group;
  copy.a = addTrained(elastic.rank * groups);
  copy.b = addTrained(elastic.out * elastic.rank);
  block.fillFloats(copy.a.value, elastic.rank * groups, std::sqrt(6.0 / static_cast<double>(elastic.rank + groups)));
  device.clear(copy.b.value, elastic.out * elastic.rank * sizeof(float));
  copy.row.adapter_a = copy.a.value;
  copy.row.adapter_b = copy.b.value;
  return copy;
}

void RandomSession::setConfiguration(const Configuration &configuration) {
  std::vector<qfa_site_row_t> rows;
  for (size_t index = 0; index < copies.size(); ++index)
    rows.push_back(copies[index].at(configuration[module.raw.elastics[index].site]).row);
  onDevice.setRows(rows);
  current = configuration;
}

void RandomSession::update(const Optimizer &optimizer, double gradientScale) {
  ++steps;
  std::vector<qfa_trainable_row_t> rows;
  for (const qfa_trainable_t &trainable : module.trainables()) {
    Trained tensor;
    if (trainable.role == QFA_ROLE_VALUE) {
      tensor = parameters[trainable.source];
    } else {
      const Copy &copy = copies[trainable.source].at(current[module.raw.elastics[trainable.source].site]);
      tensor = trainable.role == QFA_ROLE_ADAPTER_A ? copy.a : copy.b;
    }
    rows.push_back(optimizer.row(tensor.value, tensor.m, tensor.v, steps));
  }
  onDevice.update(rows, optimizer, gradientScale);
  char byte = 0; // the device has done all that comes before a download
  device.download(&byte, memory.front().data(), 1);
}
