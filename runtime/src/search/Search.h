// Two-stage search for the best configuration under a budget, without training.
//
//   1. Score random configurations over the whole range of mean bits. The partial correlation of a site's bits with the
//      loss, at fixed mean bits, says how sensitive the site is.
//   2. Per budget, restrict the sites: the most sensitive third loses its lowest width, the least sensitive third its
//      highest; score configurations that fill the budget. One half is drawn from this space; the other half changes
//      a few sites of the best so far, where an additive model of all losses so far promises most.
// Where there are no more configurations than scores to spend, all are scored.
//
// Scores on little text favour whom that text happens to suit, and the best of many scores was lucky. So the best few
// that meet the budget, and the largest uniform configuration that does, are scored again on more text; the best of
// these wins.
#ifndef QFA_RUNTIME_SEARCH_SEARCH_H
#define QFA_RUNTIME_SEARCH_SEARCH_H

#include "search/Budget.h"

#include <functional>
#include <map>
#include <optional>

namespace qfa::rt {

struct SearchOptions {
  int64_t samples = 100; ///< of stage 1
  int64_t refine = 50;   ///< of stage 2, per budget
  int64_t finalists = 8; ///< best configurations of a budget to score again
  uint64_t seed = 0;
};

struct Candidate {
  Configuration configuration;
  double loss = 0;
};

class Search {
public:
  /// The loss of a configuration; nothing when the work is to stop.
  using Score = std::function<std::optional<double>(const Configuration &)>;

  /// score is cheap and asked often, finalScore decides between the finalists.
  Search(const Module &module, const SearchOptions &options, Score score, Score finalScore);

  /// Throws Error when even the smallest configuration exceeds the budget.
  void checkFeasible(const Budget &budget) const;
  /// Stage 1; false when stopped.
  bool explore();
  /// Stage 2 and the winner with its final score; nothing when stopped.
  std::optional<Candidate> refine(const Budget &budget);

  /// Partial correlation of each site's bits with the loss; after stage 1. Negative: more bits help.
  std::vector<double> sensitivities() const;

private:
  struct Space; // what stage 2 may choose from

  bool scoreOne(const Configuration &configuration);
  bool scoreAll();
  Space restrict(const Budget &budget) const;
  Configuration drawRestricted(const Space &space, double position, uint64_t key, uint64_t number) const;
  Configuration drawPromising(const Space &space, const Configuration &leader, uint64_t key, uint64_t number) const;
  std::vector<Configuration> uniforms() const;
  std::vector<Candidate> ranked(const Budget &budget) const;
  std::optional<Candidate> decide(const Budget &budget) const;

  const Module &module;
  SearchOptions options;
  Score score, finalScore;
  std::vector<int64_t> freeSites;
  bool exhaustive = false;
  std::map<Configuration, double> scored;
  std::vector<Candidate> explored; // of stage 1, in order
};

/// Partial correlation of x and y, given z.
double partialCorrelation(std::span<const double> x, std::span<const double> y, std::span<const double> z);

} // namespace qfa::rt

#endif // QFA_RUNTIME_SEARCH_SEARCH_H
