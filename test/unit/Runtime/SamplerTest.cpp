// The sampler: distributions with the wanted mean, the triangle, and purity.
#include "train/Sampler.h"

#include "support/Error.h"
#include "support/Random.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace qfa::rt;

static double meanOf(std::span<const int32_t> bits, const std::vector<double> &p) {
  double mean = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    mean += bits[i] * p[i];
  return mean;
}

TEST(Sampler, TiltsToTheProbabilitiesOfThePaper) {
  std::vector<int32_t> bits = {2, 3, 4};
  // mu, p2, p3, p4: the positive root of (mu - 4) x^2 + (mu - 3) x + (mu - 2), rounded to three places.
  double table[][4] = {
      {2.1, .908, .084, .008}, {2.5, .616, .268, .116}, {3.0, .333, .333, .333}, {3.5, .116, .268, .616}};
  for (auto &row : table) {
    std::vector<double> p = tiltedDistribution(bits, row[0]);
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(p[i], row[1 + i], 5.1e-4) << row[0];
    double x = p[1] / p[0];
    EXPECT_NEAR((row[0] - 4) * x * x + (row[0] - 3) * x + (row[0] - 2), 0, 1e-9);
  }
}

TEST(Sampler, TiltsAnyAscendingSet) {
  for (std::vector<int32_t> bits : {std::vector<int32_t>{2, 8}, {2, 4}, {3, 4, 8}, {2, 3, 4, 8}})
    for (double position : {0.001, 0.1, 0.4, 0.5, 0.9, 0.9999}) {
      double mean = bits.front() + (bits.back() - bits.front()) * position;
      std::vector<double> p = tiltedDistribution(bits, mean);
      EXPECT_NEAR(meanOf(bits, p), mean, 1e-9);
      for (size_t i = 2; i < bits.size(); ++i) // p(b) = c x^b
        EXPECT_NEAR(std::log(p[i] / p[1]) / (bits[i] - bits[1]), std::log(p[1] / p[0]) / (bits[1] - bits[0]), 1e-6);
    }
}

TEST(Sampler, IsDeterministicAtTheEdges) {
  std::vector<int32_t> bits = {2, 3, 4}, one = {8};
  EXPECT_EQ(tiltedDistribution(bits, 2), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(tiltedDistribution(bits, 1), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(tiltedDistribution(bits, 4), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(tiltedDistribution(one, 8), (std::vector<double>{1}));
}

TEST(Sampler, FollowsTheTriangle) {
  EXPECT_EQ(triangle(0, 10), 1);
  EXPECT_EQ(triangle(5, 10), 0);
  EXPECT_EQ(triangle(10, 10), 1);
  EXPECT_NEAR(triangle(12, 10), 0.6, 1e-12);
  EXPECT_NEAR(triangle(7, 10), 0.4, 1e-12);
  EXPECT_EQ(triangle(3, 1), 1);
}

namespace {

// A module of many sites and nothing else.
struct ManySites {
  explicit ManySites(std::vector<int32_t> bits, int count = 400) : sites(count) {
    for (qfa_site_t &site : sites) {
      site = {"site", static_cast<int32_t>(bits.size()), {}};
      std::copy(bits.begin(), bits.end(), site.bits);
    }
    raw.abi_version = QFA_MODULE_ABI_VERSION;
    raw.struct_size = sizeof raw;
    raw.site_count = count;
    raw.sites = sites.data();
  }
  std::vector<qfa_site_t> sites;
  qfa_module_t raw = {};
};

} // namespace

static double meanOf(const Configuration &configuration) {
  double sum = 0;
  for (int32_t bits : configuration)
    sum += bits;
  return sum / static_cast<double>(configuration.size());
}

TEST(Sampler, DrawsWithTheWantedFrequencies) {
  ManySites sites({2, 3, 4});
  Module module(sites.raw);
  Sampler balanced(module, Sampler::Kind::ResourceBalanced, 5, 80), uniform(module, Sampler::Kind::Uniform, 5, 80);
  int64_t counts[5] = {};
  for (int64_t step = 0; step < 160; ++step) {
    double mu = 2 + 2 * triangle(step, 80);
    EXPECT_NEAR(meanOf(balanced.sample(step)), mu, 5 * std::sqrt(0.67 / 400)) << step; // five standard deviations
    EXPECT_NEAR(meanOf(uniform.sample(step)), 3, 5 * std::sqrt(0.67 / 400)) << step;
    for (int32_t bits : uniform.sample(step))
      ++counts[bits];
  }
  for (int bits : {2, 3, 4})
    EXPECT_NEAR(counts[bits] / 64000.0, 1 / 3.0, 0.01);
  EXPECT_EQ(balanced.sample(0), Configuration(400, 4));
  EXPECT_EQ(balanced.sample(40), Configuration(400, 2));
}

TEST(Sampler, IsAPureFunctionOfSeedAndStep) {
  ManySites sites({2, 4, 8});
  Module module(sites.raw);
  Sampler one(module, Sampler::Kind::ResourceBalanced, 9, 100), same(module, Sampler::Kind::ResourceBalanced, 9, 100),
      other(module, Sampler::Kind::ResourceBalanced, 10, 100);
  Configuration late = one.sample(63);
  EXPECT_NE(one.sample(62), late);
  EXPECT_EQ(same.sample(63), late);
  EXPECT_NE(other.sample(63), late);
}

TEST(Sampler, RefusesUnknownNames) {
  try {
    Sampler::parseKind("fair");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "sampler 'fair' is unknown, wanted uniform or resource-balanced");
  }
}
