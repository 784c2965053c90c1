// The weight file of a program: safetensors with Hugging Face names, in float32, float16 or bfloat16.
#ifndef QFA_RUNTIME_CORE_WEIGHTS_H
#define QFA_RUNTIME_CORE_WEIGHTS_H

#include "core/Module.h"
#include "core/ThreadPool.h"
#include "qfa/Format/Safetensors.h"
#include "support/Memory.h"

namespace qfa::rt {

class Weights {
public:
  /// Throws Error for a file that is missing or malformed.
  explicit Weights(const std::string &path);

  const std::string &path() const { return file; }
  const format::SafetensorsReader &reader() const { return tensors; }
  /// The parameter's tensor. Throws Error when it is missing or of another shape or type.
  const format::TensorView &find(const qfa_parameter_t &parameter) const;
  /// The whole parameter as floats. Throws Error for NaN and infinity.
  Memory load(const qfa_parameter_t &parameter, ThreadPool &pool) const;

private:
  std::string file;
  format::SafetensorsReader tensors;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_WEIGHTS_H
