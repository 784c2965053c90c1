// The search: optimum of small landscapes, good ones of large landscapes, determinism, budgets kept.
#include "search/Search.h"

#include "Workspace.h"
#include "search/ScoreCache.h"
#include "support/Error.h"
#include "support/Random.h"

#include <cmath>

using namespace qfa::rt;

namespace {

// `count` sites of one linear [64, 64] each at widths 2, 3, 4.
struct Landscape {
  explicit Landscape(int count) : sites(count), elastics(count), names(count) {
    for (int i = 0; i < count; ++i) {
      names[i] = "model.layers." + std::to_string(i) + ".mlp";
      sites[i] = {names[i].c_str(), 3, {2, 3, 4, 0}};
      elastics[i] = {names[i].c_str(), 0, i, 64, 64, 32, 0, 1, QFA_F32};
      weight.push_back(randomUniform(11, 0, i) * randomUniform(11, 1, i)); // few sites matter much
    }
    raw.abi_version = QFA_MODULE_ABI_VERSION;
    raw.struct_size = sizeof raw;
    raw.name = "landscape";
    raw.vocabulary = 1000;
    raw.site_count = raw.elastic_count = count;
    raw.sites = sites.data();
    raw.elastics = elastics.data();
    module.emplace(raw);
  }
  // The damage of a width falls by a factor of 4 a bit, as that of rounding does.
  double loss(const Configuration &configuration) const {
    double sum = 1;
    for (size_t i = 0; i < configuration.size(); ++i)
      sum += weight[i] * std::pow(4.0, 2 - configuration[i]);
    return sum;
  }
  Search search(SearchOptions options = {}) {
    auto final = [this](const Configuration &configuration) { return std::optional(loss(configuration)); };
    auto score = [=, this](const Configuration &configuration) {
      ++evaluations;
      return final(configuration);
    };
    return Search(*module, options, score, final);
  }
  // Least loss at a mean of `bits`, by dynamic programming over the sum of bits.
  double optimum(double bits) const {
    int count = static_cast<int>(weight.size()), spare = static_cast<int>(std::floor((bits - 2) * count + 1e-9));
    std::vector<double> best(spare + 1, 1);
    for (double w : weight)
      for (int s = spare; s >= 0; --s) {
        double least = INFINITY;
        for (int add = 0; add <= std::min(2, s); ++add)
          least = std::min(least, best[s - add] + w * std::pow(4.0, -add));
        best[s] = least;
      }
    return best[spare];
  }
  std::vector<qfa_site_t> sites;
  std::vector<qfa_elastic_t> elastics;
  std::vector<std::string> names;
  std::vector<double> weight;
  qfa_module_t raw = {};
  std::optional<Module> module;
  int evaluations = 0;
};

} // namespace

TEST(Search, FindsTheOptimumOfASmallLandscape) {
  Landscape four(4); // 81 configurations: all are scored
  Search search = four.search();
  ASSERT_TRUE(search.explore());
  EXPECT_EQ(four.evaluations, 81);
  for (double bits : {2.0, 2.25, 2.5, 3.0, 3.75, 4.0}) {
    auto found = search.refine(parseBudget(std::to_string(bits) + "bpw"));
    ASSERT_TRUE(found);
    EXPECT_NEAR(found->loss, four.optimum(bits), 1e-9) << bits;
    EXPECT_LE(four.module->meanBits(found->configuration), bits + 1e-9);
  }
}

// 3^40 configurations, 150 scores: the winner must close most of the way from the best uniform one to the optimum.
TEST(Search, ComesNearTheOptimumOfALargeLandscape) {
  Landscape forty(40);
  Search search = forty.search();
  ASSERT_TRUE(search.explore());
  for (double bits : {2.5, 3.0, 3.5}) {
    auto found = search.refine(parseBudget(std::to_string(bits) + "bpw"));
    ASSERT_TRUE(found);
    double mean = forty.module->meanBits(found->configuration);
    EXPECT_LE(mean, bits + 1e-9);
    EXPECT_GT(mean, bits - 0.06);
    // The expected loss of filling the budget at random lies between those of the widths.
    double floor = forty.loss(Configuration(40, static_cast<int32_t>(bits)));
    double ceiling = forty.loss(Configuration(40, static_cast<int32_t>(std::ceil(bits))));
    double random = floor + (ceiling - floor) * (bits - std::floor(bits)), optimum = forty.optimum(bits);
    EXPECT_LT(found->loss, random - 0.8 * (random - optimum)) << bits;
  }
  EXPECT_LE(forty.evaluations, 100 + 4 + 3 * 50);
}

TEST(Search, RanksSitesByTheirSensitivity) {
  Landscape ten(10);
  Search search = ten.search({.samples = 300, .refine = 0});
  ASSERT_TRUE(search.explore());
  std::vector<double> sensitivity = search.sensitivities();
  auto most = std::min_element(sensitivity.begin(), sensitivity.end()) - sensitivity.begin();
  auto heaviest = std::max_element(ten.weight.begin(), ten.weight.end()) - ten.weight.begin();
  EXPECT_EQ(most, heaviest);
  EXPECT_LT(sensitivity[most], -0.3);
}

TEST(Search, IsDeterministic) {
  Landscape one(40), two(40);
  for (Landscape *landscape : {&one, &two})
    ASSERT_EQ(landscape->evaluations, 0);
  Search first = one.search(), second = two.search(), other = two.search({.seed = 1});
  first.explore(), second.explore(), other.explore();
  Budget budget = parseBudget("2.7bpw");
  Configuration found = first.refine(budget)->configuration;
  EXPECT_EQ(second.refine(budget)->configuration, found);
  EXPECT_NE(other.refine(budget)->configuration, found);
}

TEST(Search, KeepsByteBudgetsExactly) {
  Landscape forty(40);
  Search search = forty.search();
  ASSERT_TRUE(search.explore());
  uint64_t least = deployedBytes(*forty.module, Configuration(40, 2)).total;
  uint64_t most = deployedBytes(*forty.module, Configuration(40, 4)).total;
  for (uint64_t bytes : {least, least + 1000, (least + most) / 2, most, most + 1}) {
    auto found = search.refine(parseBudget(std::to_string(bytes)));
    ASSERT_TRUE(found);
    EXPECT_LE(deployedBytes(*forty.module, found->configuration).total, bytes);
  }
}

TEST(Search, RefusesWhatCannotBeMet) {
  Landscape four(4);
  Search search = four.search();
  auto refusal = [&](const std::string &budget) -> std::string {
    try {
      search.checkFeasible(parseBudget(budget));
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal("1.9bpw"), "budget '1.9bpw' cannot be met: the smallest configuration has 2bpw");
  EXPECT_EQ(refusal("1KiB"), "budget '1KiB' cannot be met: the smallest configuration has " +
                                 std::to_string(deployedBytes(*four.module, Configuration(4, 2)).total) + " bytes");
  EXPECT_EQ(refusal("2bpw"), "");
}

TEST(Search, StopsWhenAsked) {
  Landscape forty(40);
  int left = 60;
  auto score = [&](const Configuration &configuration) {
    return left-- > 0 ? std::optional(forty.loss(configuration)) : std::nullopt;
  };
  Search search(*forty.module, {}, score, score);
  EXPECT_FALSE(search.explore());
}

TEST(Search, MoreTextOverrulesALuckyScore) {
  Landscape forty(40);
  std::map<Configuration, int> asked;
  // The little text of the first scores likes each configuration by chance, uniform 3 bits least of all.
  Configuration uniform(40, 3);
  auto lucky = [&](const Configuration &configuration) {
    uint64_t hash = 0;
    for (int32_t bits : configuration)
      hash = randomBits(5, hash, bits);
    return std::optional(configuration == uniform ? 100 : forty.loss(configuration) + 20 * randomUniform(6, 0, hash));
  };
  auto truth = [&](const Configuration &configuration) {
    ++asked[configuration];
    return std::optional(configuration == uniform ? 0.5 : forty.loss(configuration));
  };
  Search search(*forty.module, {.finalists = 5}, lucky, truth);
  ASSERT_TRUE(search.explore());
  Candidate found = *search.refine(parseBudget("3bpw"));
  EXPECT_EQ(found.configuration, uniform);
  EXPECT_EQ(found.loss, 0.5);
  EXPECT_EQ(asked.size(), 6u); // five finalists and the uniform one
  // Without it, the truly best of the finalists.
  asked.clear();
  found = *search.refine(parseBudget("2.5bpw"));
  for (const auto &[configuration, times] : asked)
    EXPECT_LE(found.loss, forty.loss(configuration));
}

TEST(Search, PartialCorrelationTakesTheCommonCauseAway) {
  std::vector<double> z, x, y;
  for (int i = 0; i < 500; ++i) {
    z.push_back(randomUniform(1, 0, i));
    x.push_back(z[i] + 0.1 * randomUniform(2, 0, i));
    y.push_back(z[i] + 0.1 * randomUniform(3, 0, i));
  }
  EXPECT_NEAR(partialCorrelation(x, y, z), 0, 0.15);
  for (int i = 0; i < 500; ++i)
    y[i] = z[i] - x[i];
  EXPECT_NEAR(partialCorrelation(x, y, z), -1, 1e-9);
  EXPECT_EQ(partialCorrelation(x, std::vector<double>(500, 1), z), 0); // nothing varies
}

class ScoreCacheTest : public Workspace {};

TEST_F(ScoreCacheTest, KeepsScoresOfItsKey) {
  {
    ScoreCache cache(at("s.jsonl"), "a");
    cache.add({2, 3}, 1.25);
    cache.add({2, 4}, NAN);
  }
  writeText("s.jsonl", read("s.jsonl") + "{\"bits\":[4,4],\"lo"); // killed here
  {
    ScoreCache cache(at("s.jsonl"), "a");
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_EQ(cache.find({2, 3}), 1.25);
    EXPECT_TRUE(std::isinf(*cache.find({2, 4})));
    EXPECT_FALSE(cache.find({4, 4}));
    cache.add({4, 4}, 0.5);
  }
  EXPECT_EQ(ScoreCache(at("s.jsonl"), "a").find({4, 4}), 0.5);
  EXPECT_EQ(ScoreCache(at("s.jsonl"), "b").size(), 0u);
}
