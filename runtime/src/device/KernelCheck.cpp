// Operands by their kind: random numbers on the host, the same on the device.
#include "device/KernelCheck.h"

#include "support/Error.h"
#include "support/Memory.h"
#include "support/Random.h"
#include "support/Usage.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>

using namespace qfa::rt;
namespace format = qfa::format;

namespace {

// What one kernel is given, twice.
class Operands {
public:
  Operands(const Module &module, Device &device, uint32_t kernel, int32_t bits, uint64_t seed)
      : module(module), device(device), row(module.raw.kernels[kernel]), bits(bits), key(streamKey(seed, row.name)) {
    for (int32_t i = 0; i < row.operand_count; ++i)
      hasTrainable |= row.operands[i].kind == QFA_OPERAND_TRAINABLE;
    for (int32_t i = 0; i < row.operand_count + row.result_count; ++i)
      add(row.operands[i], i >= row.operand_count);
  }

  std::vector<void *> onHost, onDevice;

  // The device's results and what it changed, against the host's.
  void compare(KernelDifference &difference) {
    for (const Part &part : parts) {
      if (!part.isResult)
        continue;
      std::vector<float> found(part.bytes / sizeof(float));
      device.download(found.data(), part.device.data(), part.bytes);
      const float *wanted = part.host.as<float>();
      double scale = 1e-30, largest = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        scale = std::max(scale, std::abs(static_cast<double>(wanted[i])));
        double apart = std::abs(static_cast<double>(found[i]) - wanted[i]);
        if (!(apart <= largest)) // NaN stays, unless both are
          largest = std::isnan(found[i]) && std::isnan(wanted[i]) ? largest : apart;
      }
      if (!(largest / scale <= difference.largest)) {
        difference.largest = largest / scale;
        difference.operand = part.operand;
      }
    }
  }

private:
  struct Part {
    Memory host;
    DeviceMemory device;
    uint64_t bytes;
    int64_t operand;
    bool isResult;
  };

  Part &addPart(uint64_t bytes, bool isResult) {
    Part &part = parts.emplace_back();
    part.host = Memory(bytes);
    part.device = DeviceMemory(device, "a kernel's operand", bytes);
    part.bytes = bytes;
    part.operand = static_cast<int64_t>(onHost.size());
    part.isResult = isResult;
    return part;
  }
  double uniform(uint64_t index) { return randomUniform(key, parts.size(), index); }
  Part &addFloats(int64_t count, double low, double high, bool isResult) {
    Part &part = addPart(count * sizeof(float), isResult);
    for (int64_t i = 0; i < count; ++i)
      part.host.as<float>()[i] = static_cast<float>(low + (high - low) * uniform(i));
    device.upload(part.device.data(), part.host.data(), part.bytes);
    return part;
  }
  void push(Part &part) {
    onHost.push_back(part.host.data());
    onDevice.push_back(part.device.data());
  }
  // A row of a table, whose pointers are the host's and the device's.
  template <typename Row>
  void pushRow(const Row &host, const Row &onGpu) {
    Part &part = addPart(sizeof(Row), false);
    std::memcpy(part.host.data(), &host, sizeof(Row));
    device.upload(part.device.data(), &onGpu, sizeof(Row));
    push(part);
  }

  void add(const qfa_operand_t &operand, bool isResult) {
    switch (operand.kind) {
    case QFA_OPERAND_F32:
      if (isResult) {
        float nan = std::numeric_limits<float>::quiet_NaN();
        Part &part = addPart(operand.elements * sizeof(float), true);
        std::fill_n(part.host.as<float>(), operand.elements, nan);
        device.upload(part.device.data(), part.host.data(), part.bytes);
        return push(part);
      }
      // The optimizer's rates lie in (0, 1).
      return push(addFloats(operand.elements, hasTrainable ? 0.1 : -1, hasTrainable ? 0.9 : 1, false));
    case QFA_OPERAND_I32: {
      Part &part = addPart(operand.elements * sizeof(int32_t), false);
      for (int64_t i = 0; i < operand.elements; ++i) // identifiers or a position
        part.host.as<int32_t>()[i] = static_cast<int32_t>(
            operand.rank == 1 ? choosePosition() : uniform(i) * static_cast<double>(module.raw.vocabulary));
      device.upload(part.device.data(), part.host.data(), part.bytes);
      return push(part);
    }
    case QFA_OPERAND_BUFFER:
      return push(addFloats(operand.elements, -1, 1, true));
    case QFA_OPERAND_ELASTIC:
      return addElastic(module.raw.elastics[operand.elements]);
    case QFA_OPERAND_TRAINABLE: {
      auto floats = [&](double low) -> std::pair<float *, float *> {
        Part &part = addFloats(operand.elements, low, 1, true);
        return {part.host.as<float>(), reinterpret_cast<float *>(part.device.data())};
      };
      auto value = floats(-1), m = floats(-1), v = floats(0);
      return pushRow(qfa_trainable_row_t{value.first, m.first, v.first, 0.3f, 0.2f},
                     qfa_trainable_row_t{value.second, m.second, v.second, 0.3f, 0.2f});
    }
    }
  }

  // The last one at which a kernel may append to its caches, so that it reads all of their rows and all shares of a
  // decoded head have keys; 1 for kernels without caches. Caches are [context, features], and none of a kernel's
  // tensors is smaller than its keys: [rows, features].
  int64_t choosePosition() const {
    int64_t cache = 0, keys = std::numeric_limits<int64_t>::max();
    for (int32_t i = 0; i < row.operand_count; ++i) {
      const qfa_operand_t &operand = row.operands[i];
      if (operand.kind == QFA_OPERAND_BUFFER)
        cache = operand.elements;
      else if (operand.kind == QFA_OPERAND_F32)
        keys = std::min(keys, operand.elements);
    }
    return cache ? module.raw.context - keys / (cache / module.raw.context) : 1;
  }

  void addElastic(const qfa_elastic_t &elastic) {
    int64_t words = format::codesWords(elastic.out, elastic.in, bits);
    Part &codes = addPart(words * sizeof(uint32_t), false);
    for (int64_t i = 0; i < words; ++i)
      codes.host.as<uint32_t>()[i] = static_cast<uint32_t>(randomBits(key, parts.size(), i));
    device.upload(codes.device.data(), codes.host.data(), codes.bytes);
    qfa_site_row_t host = {codes.host.as<uint32_t>(), nullptr, nullptr, nullptr, nullptr, bits, 0}, onGpu = host;
    onGpu.codes = reinterpret_cast<const uint32_t *>(codes.device.data());
    auto scales = [&](double low, double high) -> std::pair<void *, void *> {
      int64_t count = format::scaleCount(elastic.out, elastic.in, elastic.group);
      Part &part = addFloats(count, low, high, false);
      if (elastic.scale_dtype == QFA_F16) {
        for (int64_t i = 0; i < count; ++i) // in place: a half lies before the float it comes from
          part.host.as<_Float16>()[i] = static_cast<_Float16>(part.host.as<float>()[i]);
        device.upload(part.device.data(), part.host.data(), part.bytes);
      }
      return {part.host.data(), part.device.data()};
    };
    // Products of as many inputs as there are have a standard deviation of 3: logits that leave a few tokens most of
    // the softmax. A head of 32,000 tokens that misses a tile of them is then off by 6e-2 of the gradient's largest
    // value, and factors in bf16 move it by 4e-3. At 13 they move it by 2e-2; at 1 a missing tile does not show.
    double range = 16 / std::sqrt(static_cast<double>(elastic.in));
    std::tie(host.scales, onGpu.scales) = scales(0, range / (1 << bits));
    std::tie(host.zeros, onGpu.zeros) = scales(-0.75 * range, 0.25 * range);
    if (elastic.rank > 0) {
      Part &a = addFloats(elastic.rank * (elastic.in / elastic.group), -1, 1, false);
      host.adapter_a = a.host.as<float>();
      onGpu.adapter_a = reinterpret_cast<const float *>(a.device.data());
      Part &b = addFloats(elastic.out * elastic.rank, -1, 1, false);
      host.adapter_b = b.host.as<float>();
      onGpu.adapter_b = reinterpret_cast<const float *>(b.device.data());
    }
    pushRow(host, onGpu);
  }

  const Module &module;
  Device &device;
  const qfa_kernel_t &row;
  int32_t bits;
  uint64_t key;
  bool hasTrainable = false;
  std::vector<Part> parts;
};

const qfa_elastic_t *elasticOf(const Module &module, uint32_t kernel) {
  const qfa_kernel_t &row = module.raw.kernels[kernel];
  for (int32_t i = 0; i < row.operand_count; ++i)
    if (row.operands[i].kind == QFA_OPERAND_ELASTIC)
      return &module.raw.elastics[row.operands[i].elements];
  return nullptr;
}

// One launch as an entry of its own.
struct Launch {
  uint32_t kernel;
  void *const *args;
};

void runLaunch(const qfa_context_t *context, void *const *io) {
  const auto *launch = static_cast<const Launch *>(io[0]);
  context->launch(context->runtime, launch->kernel, launch->args);
}

} // namespace

std::vector<int32_t> qfa::rt::widthsOf(const Module &module, uint32_t kernel) {
  const qfa_elastic_t *elastic = elasticOf(module, kernel);
  if (!elastic)
    return {0};
  std::span<const int32_t> bits = module.bitsOf(elastic->site);
  return {bits.begin(), bits.end()};
}

int64_t qfa::rt::bytesOf(const Module &module, uint32_t kernel, int32_t bits) {
  const qfa_kernel_t &row = module.raw.kernels[kernel];
  int64_t bytes = 0;
  for (int32_t i = 0; i < row.operand_count + row.result_count; ++i) {
    const qfa_operand_t &operand = row.operands[i];
    if (operand.kind == QFA_OPERAND_ELASTIC) {
      bytes += Module::copyBytes(module.raw.elastics[operand.elements], bits);
    } else {
      bytes += operand.elements * 4 *
               (operand.kind == QFA_OPERAND_TRAINABLE ? 6
                : operand.kind == QFA_OPERAND_BUFFER  ? 2
                                                      : 1);
    }
  }
  return bytes;
}

static KernelDifference runAndCompare(const Module &module, Device &reference, Device &device, uint32_t kernel,
                                      int32_t bits, uint64_t seed, int repeats) {
  Operands operands(module, device, kernel, bits, seed);
  qfa_context_t onHost = {}, onDevice = {};
  reference.bind(onHost);
  device.bind(onDevice);
  Launch host{kernel, operands.onHost.data()}, launch{kernel, operands.onDevice.data()};
  qfa_entry_t entry = {};
  entry.name = module.raw.kernels[kernel].name;
  entry.function = runLaunch;
  void *hostIo[] = {&host}, *io[] = {&launch};
  reference.run(entry, onHost, hostIo);
  device.run(entry, onDevice, io);
  KernelDifference difference{kernel, bits};
  operands.compare(difference);
  if (repeats > 0) { // queued at once, so that waiting is not what is measured
    double start = wallSeconds();
    for (int i = 0; i < repeats; ++i)
      device.run(entry, onDevice, io);
    char byte = 0;
    device.download(&byte, operands.onDevice[0], 1); // waits
    difference.seconds = (wallSeconds() - start) / repeats;
  }
  device.forget(entry);
  return difference;
}

KernelDifference qfa::rt::checkKernel(const Module &module, Device &reference, Device &device, uint32_t kernel,
                                      int32_t bits, uint64_t seed, int repeats) {
  try {
    return runAndCompare(module, reference, device, kernel, bits, seed, repeats);
  } catch (const std::exception &reason) { // a GPU's faults name neither kernel nor launch
    const char *name = module.raw.kernels[kernel].name;
    if (bits)
      fail("kernel '{}' at {} bits: {}", name, bits, reason.what());
    fail("kernel '{}': {}", name, reason.what());
  }
}
