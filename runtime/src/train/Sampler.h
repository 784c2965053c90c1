// Which bits every site has at a training step: a pure function of seed and step.
//
// `uniform`: each site takes each of its widths with equal probability. The mean over many sites then hardly leaves the
// middle. `resource-balanced`: the mean follows a triangle over time, mu(t) = lowest + (highest - lowest)
// |2 (t mod period) / period - 1|, and each site draws from the distribution of largest entropy with that mean,
// p(b) proportional to x^b.
#ifndef QFA_RUNTIME_TRAIN_SAMPLER_H
#define QFA_RUNTIME_TRAIN_SAMPLER_H

#include "core/Module.h"

namespace qfa::rt {

/// Probabilities of ascending widths with p(b) proportional to x^b and the given mean; a mean outside the widths counts
/// as the nearest one.
std::vector<double> tiltedDistribution(std::span<const int32_t> bits, double mean);

/// Where the triangle stands at a step: 1 at the beginning of a period, 0 in its middle.
double triangle(int64_t step, int64_t period);

/// Draws every site of the module at `position` (0: lowest widths, 1: highest); key and step name the random numbers.
Configuration drawConfiguration(const Module &module, double position, uint64_t key, uint64_t step);

class Sampler {
public:
  enum class Kind { Uniform, ResourceBalanced };
  /// Throws Error for an unknown name.
  static Kind parseKind(std::string_view name);

  Sampler(const Module &module, Kind kind, uint64_t seed, int64_t period);
  Configuration sample(int64_t step) const;

private:
  const Module &module;
  Kind kind;
  uint64_t key;
  int64_t period;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_SAMPLER_H
