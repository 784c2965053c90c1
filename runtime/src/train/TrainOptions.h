// What the user says about a training run.
#ifndef QFA_RUNTIME_TRAIN_TRAINOPTIONS_H
#define QFA_RUNTIME_TRAIN_TRAINOPTIONS_H

#include "core/Session.h"

#include <nlohmann/json.hpp>

namespace qfa::rt {

struct TrainOptions {
  std::string out;
  int64_t maxSteps = 0;  ///< 0: no limit of its own
  double maxMinutes = 0; ///< 0: no limit of its own
  Optimizer optimizer;
  std::string schedule = "constant";
  int64_t warmupSteps = 0;
  int64_t gradientAccumulation = 1;
  double clip = 0.3; ///< largest gradient norm; 0: none
  std::string sampler;
  int64_t period = 0;  ///< of the sampler, in steps; 0: the planned number of steps
  int64_t planned = 0; ///< steps that the learning rate's schedule spans; 0: maxSteps, or by the time of a first step
  uint64_t seed = 0;
  int64_t checkpointSteps = 0;
  double checkpointMinutes = 10;
  int64_t keep = 2;
  int64_t evalEvery = 0;
  int64_t evalTokens = 4096;

  /// Throws Error for values that make no sense, naming option, value and what is wanted.
  void validate() const;
  /// What the course of the run depends on; a resumed run must agree.
  nlohmann::json decisive() const;
  /// The rate of a step by warm-up and schedule.
  double learningRateAt(int64_t step) const;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_TRAINOPTIONS_H
