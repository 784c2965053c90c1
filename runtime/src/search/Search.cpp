// The two stages of the search.
#include "search/Search.h"

#include "search/AdditiveModel.h"
#include "support/Error.h"
#include "support/Random.h"
#include "train/Sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qfa::rt;

static double correlation(std::span<const double> x, std::span<const double> y) {
  double n = static_cast<double>(x.size()), meanX = 0, meanY = 0, xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i)
    meanX += x[i] / n, meanY += y[i] / n;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - meanX) * (y[i] - meanY);
    xx += (x[i] - meanX) * (x[i] - meanX);
    yy += (y[i] - meanY) * (y[i] - meanY);
  }
  // Rounding of a constant is no variance.
  return xx > 1e-20 * n * (1 + meanX * meanX) && yy > 1e-20 * n * (1 + meanY * meanY) ? xy / std::sqrt(xx * yy) : 0;
}

double qfa::rt::partialCorrelation(std::span<const double> x, std::span<const double> y, std::span<const double> z) {
  double xy = correlation(x, y), xz = correlation(x, z), yz = correlation(y, z);
  double rest = (1 - xz * xz) * (1 - yz * yz);
  return rest > 1e-12 ? (xy - xz * yz) / std::sqrt(rest) : 0;
}

// Widths that each site may have, and additive costs in the budget's unit to draw by; the exact cost decides at the
// end.
struct Search::Space {
  std::vector<std::vector<int32_t>> bits; // by site
  std::vector<double> perBit;             // cost of one more bit at a site
  double fixed = 0, limit = 0, window = 0;

  double cost(const Configuration &configuration) const {
    return std::inner_product(perBit.begin(), perBit.end(), configuration.begin(), fixed);
  }
  // Moves a site by one width up or down; whether it could.
  bool move(Configuration &configuration, int64_t site, int by) const {
    const std::vector<int32_t> &set = bits[site];
    int64_t at = std::lower_bound(set.begin(), set.end(), configuration[site]) - set.begin() + by;
    if (at < 0 || at >= static_cast<int64_t>(set.size()))
      return false;
    configuration[site] = set[at];
    return true;
  }
  // Lowers random sites until the budget is met, then raises some as long as it stays met, until it is nearly spent.
  void fill(Configuration &configuration, const std::vector<int64_t> &sites, uint64_t key, uint64_t number) const {
    uint64_t drawn = 0;
    auto randomSite = [&] { return sites[randomBits(key, number, drawn++) % sites.size()]; };
    for (size_t tries = 0; cost(configuration) > limit && tries < 100 * sites.size(); ++tries)
      move(configuration, randomSite(), -1);
    for (size_t tries = 0; cost(configuration) <= limit - window && tries < 20 * sites.size(); ++tries) {
      int64_t site = randomSite();
      int32_t before = configuration[site];
      if (move(configuration, site, 1) && cost(configuration) > limit)
        configuration[site] = before;
    }
  }
};

Search::Search(const Module &module, const SearchOptions &options, Score score, Score finalScore)
    : module(module), options(options), score(std::move(score)), finalScore(std::move(finalScore)) {
  double configurations = 1;
  for (int64_t site = 0; site < module.raw.site_count; ++site)
    if (module.isFree(site)) {
      freeSites.push_back(site);
      configurations *= static_cast<double>(module.bitsOf(site).size());
    }
  exhaustive = configurations <= static_cast<double>(options.samples + options.refine);
}

static Configuration smallest(const Module &module) {
  Configuration result;
  for (int64_t site = 0; site < module.raw.site_count; ++site)
    result.push_back(module.bitsOf(site).front());
  return result;
}

void Search::checkFeasible(const Budget &budget) const {
  double least = budget.cost(module, smallest(module));
  if (least <= budget.limit)
    return;
  if (budget.unit == Budget::Unit::BitsPerWeight)
    fail("budget '{}' cannot be met: the smallest configuration has {:.3g}bpw", budget.text, least);
  fail("budget '{}' cannot be met: the smallest configuration has {:.0f} bytes", budget.text, least);
}

bool Search::scoreOne(const Configuration &configuration) {
  if (scored.contains(configuration))
    return true;
  std::optional<double> loss = score(configuration);
  if (!loss)
    return false;
  scored[configuration] = std::isnan(*loss) ? INFINITY : *loss;
  return true;
}

bool Search::scoreAll() {
  Configuration configuration = smallest(module);
  for (;;) {
    if (!scoreOne(configuration))
      return false;
    explored.push_back({configuration, scored[configuration]});
    size_t at = 0; // counts up, one site a digit
    for (; at < freeSites.size(); ++at) {
      std::span<const int32_t> bits = module.bitsOf(freeSites[at]);
      int64_t next = module.bitIndex(freeSites[at], configuration[freeSites[at]]) + 1;
      configuration[freeSites[at]] = bits[next % bits.size()];
      if (next < static_cast<int64_t>(bits.size()))
        break;
    }
    if (at == freeSites.size())
      return true;
  }
}

// Every site at its first, second, .. width.
std::vector<Configuration> Search::uniforms() const {
  std::vector<Configuration> result(4);
  for (size_t width = 0; width < result.size(); ++width)
    for (int64_t site = 0; site < module.raw.site_count; ++site)
      result[width].push_back(module.bitsOf(site)[std::min(width, module.bitsOf(site).size() - 1)]);
  return result;
}

bool Search::explore() {
  if (exhaustive)
    return scoreAll();
  for (const Configuration &uniform : uniforms())
    if (!scoreOne(uniform))
      return false;
  uint64_t key = streamKey(options.seed, "search");
  for (int64_t i = 0; i < options.samples; ++i) {
    double position = randomUniform(streamKey(options.seed, "search mean"), 0, i);
    Configuration drawn = drawConfiguration(module, position, key, i);
    if (!scoreOne(drawn))
      return false;
    explored.push_back({drawn, scored[drawn]});
  }
  return true;
}

std::vector<double> Search::sensitivities() const {
  std::vector<double> losses, means, bits;
  for (const Candidate &candidate : explored)
    if (std::isfinite(candidate.loss)) {
      losses.push_back(candidate.loss);
      means.push_back(module.meanBits(candidate.configuration));
    }
  std::vector<double> result;
  for (int64_t site = 0; site < module.raw.site_count; ++site) {
    bits.clear();
    for (const Candidate &candidate : explored)
      if (std::isfinite(candidate.loss))
        bits.push_back(candidate.configuration[site]);
    result.push_back(partialCorrelation(bits, losses, means));
  }
  return result;
}

Search::Space Search::restrict(const Budget &budget) const {
  Space space;
  Configuration low = smallest(module), high = module.largest();
  double lowest = budget.cost(module, low), highest = budget.cost(module, high);
  bool bytes = budget.unit == Budget::Unit::Bytes;
  int64_t weights = 0;
  for (int64_t site = 0; site < module.raw.site_count; ++site)
    weights += module.countedWeights(site);
  for (int64_t site = 0; site < module.raw.site_count; ++site) {
    std::span<const int32_t> bits = module.bitsOf(site);
    space.bits.emplace_back(bits.begin(), bits.end());
    double rounded = 0; // codes with whole blocks of rows
    for (const qfa_elastic_t &elastic : module.elastics())
      if (elastic.site == site)
        rounded += static_cast<double>(format::rowBlocks(elastic.out) * elastic.in * 4);
    space.perBit.push_back(bytes ? rounded : static_cast<double>(module.countedWeights(site)) / weights);
  }
  space.limit = budget.limit;
  space.window = bytes ? 0.05 / 8 * static_cast<double>(weights) : 0.05;
  space.fixed = highest - space.cost(high); // the header's digits included, at their most

  std::vector<int64_t> order = freeSites;
  std::vector<double> sensitivity = sensitivities();
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return sensitivity[a] != sensitivity[b] ? sensitivity[a] < sensitivity[b] : a < b;
  });
  // Near an end of the range the widths of that end are needed everywhere.
  double position = highest > lowest ? (budget.limit - lowest) / (highest - lowest) : 1;
  for (size_t i = 0; i < order.size() / 3; ++i) {
    std::vector<int32_t> &sensitive = space.bits[order[i]], &robust = space.bits[order[order.size() - 1 - i]];
    if (position >= 0.25)
      sensitive.erase(sensitive.begin());
    if (position <= 0.75)
      robust.pop_back();
  }
  return space;
}

// The scored configurations that meet the budget, best first.
std::vector<Candidate> Search::ranked(const Budget &budget) const {
  std::vector<Candidate> result;
  for (const auto &[configuration, loss] : scored)
    if (budget.cost(module, configuration) <= budget.limit)
      result.push_back({configuration, loss});
  std::sort(result.begin(), result.end(), [](const Candidate &a, const Candidate &b) {
    return a.loss != b.loss ? a.loss < b.loss : a.configuration < b.configuration;
  });
  return result;
}

std::optional<Candidate> Search::decide(const Budget &budget) const {
  std::vector<Configuration> finalists;
  for (const Candidate &candidate : ranked(budget))
    if (finalists.size() < static_cast<size_t>(options.finalists))
      finalists.push_back(candidate.configuration);
  std::vector<Configuration> uniform = uniforms();
  auto largest = std::find_if(uniform.rbegin(), uniform.rend(), [&](const Configuration &configuration) {
    return budget.cost(module, configuration) <= budget.limit;
  });
  if (largest != uniform.rend() && std::find(finalists.begin(), finalists.end(), *largest) == finalists.end())
    finalists.push_back(*largest);
  std::optional<Candidate> winner;
  for (const Configuration &configuration : finalists) {
    std::optional<double> loss = finalScore(configuration);
    if (!loss)
      return std::nullopt;
    if (std::isnan(*loss))
      *loss = INFINITY;
    if (!winner || *loss < winner->loss)
      winner = Candidate{configuration, *loss};
  }
  return winner;
}

// A configuration of the restricted space that nearly spends the budget.
Configuration Search::drawRestricted(const Space &space, double position, uint64_t key, uint64_t number) const {
  Configuration drawn;
  for (int64_t site = 0; site < module.raw.site_count; ++site) {
    const std::vector<int32_t> &bits = space.bits[site];
    std::vector<double> p = tiltedDistribution(bits, bits.front() + (bits.back() - bits.front()) * position);
    double point = randomUniform(mixBits(key), number, site);
    size_t at = 0;
    while (at + 1 < bits.size() && (point -= p[at]) >= 0)
      ++at;
    drawn.push_back(bits[at]);
  }
  space.fill(drawn, freeSites, key, number);
  return drawn;
}

// Of many changes to the best configuration so far, the one that promises most.
Configuration Search::drawPromising(const Space &space, const Configuration &leader, uint64_t key,
                                    uint64_t number) const {
  constexpr uint64_t proposals = 200;
  AdditiveModel guess(scored);
  Configuration best = leader;
  double least = INFINITY;
  for (uint64_t proposal = number * proposals; proposal < (number + 1) * proposals; ++proposal) {
    Configuration next = leader;
    uint64_t changes = 1 + randomBits(mixBits(key + 1), proposal, 0) % 6;
    for (uint64_t change = 1; change <= changes; ++change) {
      uint64_t random = randomBits(mixBits(key + 1), proposal, change);
      space.move(next, freeSites[(random >> 1) % freeSites.size()], random % 2 ? 1 : -1);
    }
    space.fill(next, freeSites, mixBits(key + 2), proposal);
    if (double loss = guess.predict(next); loss < least && !scored.contains(next)) {
      least = loss;
      best = next;
    }
  }
  return best;
}

std::optional<Candidate> Search::refine(const Budget &budget) {
  if (!scoreOne(smallest(module)))
    return std::nullopt;
  if (exhaustive || freeSites.empty())
    return decide(budget);
  Space space = restrict(budget), whole = space;
  for (int64_t site = 0; site < module.raw.site_count; ++site)
    whole.bits[site].assign(module.bitsOf(site).begin(), module.bitsOf(site).end());
  uint64_t key = streamKey(options.seed, "search " + budget.text);
  double least = space.cost(smallest(module)), most = space.cost(module.largest());
  double position = std::clamp((space.limit - least) / (most - least), 0.0, 1.0);
  Candidate leader = ranked(budget).front();
  for (int64_t done = 0, tries = 0; done < options.refine && tries < 4 * options.refine; ++tries) {
    Configuration next = done < options.refine / 2 ? drawRestricted(space, position, key, tries)
                                                   : drawPromising(whole, leader.configuration, key, tries);
    if (scored.contains(next) || budget.cost(module, next) > budget.limit)
      continue;
    if (!scoreOne(next))
      return std::nullopt;
    ++done;
    if (scored[next] < leader.loss)
      leader = {next, scored[next]};
  }
  return decide(budget);
}
