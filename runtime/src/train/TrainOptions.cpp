// Checks of training options, and the schedule of the learning rate.
#include "train/TrainOptions.h"

#include "support/Error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace qfa::rt;

void TrainOptions::validate() const {
  auto want = [](bool good, const char *option, auto value, const char *wanted) {
    if (!good)
      fail("--{} is {}, wanted {}", option, value, wanted);
  };
  want(maxSteps >= 0, "max-steps", maxSteps, "a positive number");
  want(maxMinutes >= 0, "max-minutes", maxMinutes, "a positive number");
  if (maxSteps == 0 && maxMinutes == 0)
    fail("no end of training: give --max-steps or --max-minutes");
  want(optimizer.learningRate > 0, "learning-rate", optimizer.learningRate, "a positive number");
  want(optimizer.beta1 >= 0 && optimizer.beta1 < 1, "beta1", optimizer.beta1, "a number in [0, 1)");
  want(optimizer.beta2 >= 0 && optimizer.beta2 < 1, "beta2", optimizer.beta2, "a number in [0, 1)");
  want(optimizer.epsilon > 0, "epsilon", optimizer.epsilon, "a positive number");
  want(optimizer.weightDecay >= 0, "weight-decay", optimizer.weightDecay, "no negative number");
  want(schedule == "constant" || schedule == "cosine", "schedule", schedule, "constant or cosine");
  want(warmupSteps >= 0, "warmup-steps", warmupSteps, "no negative number");
  want(gradientAccumulation >= 1, "gradient-accumulation", gradientAccumulation, "at least 1");
  want(clip >= 0, "clip", clip, "no negative number");
  want(period >= 0, "period", period, "a positive number");
  want(keep >= 1, "keep", keep, "at least 1");
  want(evalEvery >= 0, "eval-every", evalEvery, "no negative number");
}

nlohmann::json TrainOptions::decisive() const {
  return {{"learning-rate", optimizer.learningRate},
          {"beta1", optimizer.beta1},
          {"beta2", optimizer.beta2},
          {"epsilon", optimizer.epsilon},
          {"weight-decay", optimizer.weightDecay},
          {"schedule", schedule},
          {"warmup-steps", warmupSteps},
          {"gradient-accumulation", gradientAccumulation},
          {"clip", clip},
          {"sampler", sampler},
          {"period", period},
          {"planned-steps", planned},
          {"seed", seed}};
}

double TrainOptions::learningRateAt(int64_t step) const {
  double rate = optimizer.learningRate;
  if (step < warmupSteps)
    return rate * static_cast<double>(step + 1) / static_cast<double>(warmupSteps);
  if (schedule == "constant")
    return rate;
  double done =
      static_cast<double>(step - warmupSteps) / static_cast<double>(std::max<int64_t>(1, planned - warmupSteps));
  return rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
}
