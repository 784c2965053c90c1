// The training loop: sample a configuration, accumulate gradients, clip, update, report, checkpoint.
#ifndef QFA_RUNTIME_TRAIN_TRAINER_H
#define QFA_RUNTIME_TRAIN_TRAINER_H

#include "core/Session.h"
#include "text/Dataset.h"
#include "train/Checkpoint.h"
#include "train/Progress.h"
#include "train/Sampler.h"
#include "train/TrainOptions.h"

#include <functional>
#include <future>

namespace qfa::rt {

class Trainer {
public:
  /// Batch of a step and microbatch; a pure function.
  using BatchSource = std::function<Batch(int64_t step, int64_t microbatch)>;

  Trainer(Session &session, const TrainOptions &options, BatchSource batches, const SampleSet *validation);

  /// Goes on from the newest checkpoint; false when there is none. Throws Error when its decisive options differ.
  bool resume();
  /// Fills period and planned steps where the user left them open, by the time of one step that changes nothing.
  static void plan(TrainOptions &options, Session &session, const BatchSource &batches);

  /// Trains to the end or an interruption; returns whether it was interrupted. Throws Error, after a
  /// checkpoint, when too many steps in a row had to be skipped or the metrics cannot be written.
  bool run();

  const TrainingState &state() const { return training; }

private:
  struct Step {
    double loss = 0, norm = 0;
    int64_t tokens = 0;
    bool skipped = false;
  };
  Step step(int64_t number);
  bool loop();
  void report(const Step &step, double seconds, double cpu, MetricsFile &metrics);
  void evaluateUniform(MetricsFile &metrics);
  /// Written while training goes on where the device has memory of its own.
  void checkpoint();
  void finishCheckpoint(); ///< throws what went wrong
  bool atEnd() const;

  Session &session;
  TrainOptions options;
  BatchSource batches;
  const SampleSet *validation;
  Sampler sampler;
  Checkpoints checkpoints;
  TrainingState training;
  int64_t written = -1; // step of the newest checkpoint
  std::future<void> writing;
  double rate = 0; // tokens per second, smoothed
  LiveLine line;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_TRAINER_H
