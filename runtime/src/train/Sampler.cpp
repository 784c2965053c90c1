// The two samplers.
#include "train/Sampler.h"

#include "support/Error.h"
#include "support/Random.h"

#include <algorithm>
#include <cmath>

using namespace qfa::rt;

// p(b) proportional to exp(tilt (b - reference)), the reference keeping the exponentials finite; returns the mean.
static double tilt(std::span<const int32_t> bits, double tilt, std::vector<double> &p) {
  double sum = 0, mean = 0, reference = tilt > 0 ? bits.back() : bits.front();
  for (size_t i = 0; i < bits.size(); ++i)
    sum += p[i] = std::exp(tilt * (bits[i] - reference));
  for (size_t i = 0; i < bits.size(); ++i)
    mean += bits[i] * (p[i] /= sum);
  return mean;
}

std::vector<double> qfa::rt::tiltedDistribution(std::span<const int32_t> bits, double mean) {
  std::vector<double> p(bits.size(), 0);
  if (mean <= bits.front() || mean >= bits.back()) {
    (mean <= bits.front() ? p.front() : p.back()) = 1;
    return p;
  }
  // The mean grows with the tilt, from the lowest width to the highest.
  double low = -64, high = 64;
  for (int i = 0; i < 100; ++i) {
    double middle = (low + high) / 2;
    (tilt(bits, middle, p) < mean ? low : high) = middle;
  }
  tilt(bits, (low + high) / 2, p);
  return p;
}

double qfa::rt::triangle(int64_t step, int64_t period) {
  return std::abs(2.0 * static_cast<double>(step % period) / static_cast<double>(period) - 1);
}

static int32_t draw(std::span<const int32_t> bits, std::span<const double> p, double uniform) {
  for (size_t i = 0; i + 1 < bits.size(); ++i)
    if ((uniform -= p[i]) < 0)
      return bits[i];
  return bits.back();
}

Configuration qfa::rt::drawConfiguration(const Module &module, double position, uint64_t key, uint64_t step) {
  Configuration result;
  std::span<const int32_t> known; // sites mostly share one set
  std::vector<double> p;
  for (int64_t site = 0; site < module.raw.site_count; ++site) {
    std::span<const int32_t> bits = module.bitsOf(site);
    if (!std::equal(bits.begin(), bits.end(), known.begin(), known.end())) {
      known = bits;
      p = tiltedDistribution(bits, bits.front() + (bits.back() - bits.front()) * position);
    }
    result.push_back(draw(bits, p, randomUniform(key, step, site)));
  }
  return result;
}

Sampler::Kind Sampler::parseKind(std::string_view name) {
  if (name == "uniform")
    return Kind::Uniform;
  if (name == "resource-balanced")
    return Kind::ResourceBalanced;
  fail("sampler '{}' is unknown, wanted uniform or resource-balanced", name);
}

Sampler::Sampler(const Module &module, Kind kind, uint64_t seed, int64_t period)
    : module(module), kind(kind), key(streamKey(seed, "sampler")), period(period) {}

Configuration Sampler::sample(int64_t step) const {
  if (kind == Kind::ResourceBalanced)
    return drawConfiguration(module, triangle(step, period), key, step);
  Configuration result;
  for (int64_t site = 0; site < module.raw.site_count; ++site) {
    std::span<const int32_t> bits = module.bitsOf(site);
    result.push_back(bits[static_cast<size_t>(randomUniform(key, step, site) * bits.size())]);
  }
  return result;
}
