// Counting bytes by the writer of the file itself.
#include "search/Budget.h"

#include "qfa/Format/Safetensors.h"
#include "support/Error.h"

#include <cmath>
#include <cstdlib>

using namespace qfa::rt;
using qfa::format::CopyShape;
using qfa::format::DType;
using qfa::format::rowsPerBlock;

// Declares what the subnet's file holds, in the order in which it is written: elastic weights, then parameters.
DeployedBytes qfa::rt::deployedBytes(const Module &module, const Configuration &configuration) {
  format::SafetensorsWriter writer;
  DeployedBytes bytes;
  for (const qfa_elastic_t &elastic : module.elastics()) {
    int32_t bits = configuration[elastic.site];
    CopyShape shape = Module::shape(elastic, bits);
    std::string prefix = Module::prefix(elastic, bits);
    bool half = !module.isStatic() || elastic.scale_dtype == QFA_F16;
    DType scaleType = half ? DType::F16 : DType::F32;
    writer.declare(prefix + "codes", DType::U32, {shape.blocks(), shape.in, bits});
    writer.declare(prefix + "scales", scaleType, {shape.blocks(), shape.groups(), rowsPerBlock});
    writer.declare(prefix + "zeros", scaleType, {shape.blocks(), shape.groups(), rowsPerBlock});
    uint64_t codes = format::codesWords(shape.out, shape.in, bits) * 4;
    uint64_t scales = format::scaleCount(shape.out, shape.in, shape.group) * format::sizeOf(scaleType);
    if (module.countedWeights(elastic.site) == 0) {
      bytes.vocabulary += codes + 2 * scales;
      continue;
    }
    bytes.codes += codes;
    bytes.scales += scales;
    bytes.zeros += scales;
  }
  for (const qfa_parameter_t &parameter : module.parameters())
    if (parameter.resident) {
      DType type = Module::storedType(parameter);
      writer.declare(parameter.name, type, Module::shape(parameter));
      bytes.parameters += Module::elements(parameter) * format::sizeOf(type);
    }
  std::string error;
  if (!writer.measure(bytes.total, error))
    throw Error(error);
  bytes.header = bytes.total - bytes.codes - bytes.scales - bytes.zeros - bytes.vocabulary - bytes.parameters;
  return bytes;
}

double Budget::cost(const Module &module, const Configuration &configuration) const {
  return unit == Unit::BitsPerWeight ? module.meanBits(configuration)
                                     : static_cast<double>(deployedBytes(module, configuration).total);
}

Budget qfa::rt::parseBudget(const std::string &text) {
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  std::string unit = end;
  struct Known {
    const char *name;
    double factor;
  };
  constexpr Known units[] = {{"", 1},     {"B", 1},    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
                             {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6},   {"GB", 1e9}};
  if (end != text.c_str() && std::isfinite(value) && value > 0) {
    if (unit == "bpw")
      return {text, Budget::Unit::BitsPerWeight, value};
    for (const Known &known : units)
      if (unit == known.name)
        return {text, Budget::Unit::Bytes, value * known.factor};
  }
  fail("budget '{}', wanted mean bits (2.5bpw) or bytes (400KiB, 1.2MB, 123456)", text);
}
