// Reading of weights, in parallel and checked.
#include "core/Weights.h"

#include "qfa/Format/Numbers.h"
#include "support/Error.h"

#include <fmt/ranges.h>

using namespace qfa::rt;
using qfa::format::DType;
using qfa::format::SafetensorsReader;

Weights::Weights(const std::string &path) : file(path) {
  std::string error;
  if (!tensors.open(path, error))
    throw Error(error);
}

const qfa::format::TensorView &Weights::find(const qfa_parameter_t &parameter) const {
  const format::TensorView *view = tensors.find(parameter.name);
  if (!view)
    fail("{}: weight '{}' is missing", file, parameter.name);
  if (view->type != DType::F32 && view->type != DType::F16 && view->type != DType::BF16)
    fail("{}: weight '{}' has type {}, wanted F32, F16 or BF16", file, parameter.name, nameOf(view->type));
  if (view->shape != Module::shape(parameter))
    fail("{}: weight '{}' has shape [{}], wanted [{}]", file, parameter.name, fmt::join(view->shape, ", "),
         fmt::join(Module::shape(parameter), ", "));
  return *view;
}

Memory Weights::load(const qfa_parameter_t &parameter, ThreadPool &pool) const {
  constexpr int64_t part = 1 << 16;
  const format::TensorView &view = find(parameter);
  int64_t count = view.count();
  Memory values = floats(count);
  std::atomic<bool> finite = true, fits = true;
  pool.parallelFor((count + part - 1) / part, [&](int64_t begin, int64_t end, int) {
    int64_t first = begin * part, length = std::min(end * part, count) - first;
    SafetensorsReader::readFloats(view, first, length, values.as<float>() + first);
    if (!format::allFinite(values.as<float>() + first, length))
      finite = false;
    if (parameter.dtype != QFA_F16)
      return;
    for (float &value : std::span(values.as<float>() + first, length))
      value = format::halfToFloat(format::floatToHalf(value));
    if (!format::allFinite(values.as<float>() + first, length))
      fits = false;
  });
  if (!finite)
    fail("{}: weight '{}' holds a NaN or an infinity", file, parameter.name);
  if (!fits)
    fail("{}: weight '{}' holds a number beyond 65504, which float16 cannot hold", file, parameter.name);
  return values;
}
