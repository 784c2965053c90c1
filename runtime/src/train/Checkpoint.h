// Checkpoints of a run: RUN/checkpoints/NNNNNN with tensors, optimizer state and state.json, whole or not there at all.
//
// A checkpoint is written into a hidden folder beside its place, flushed, and renamed. state.json is written last and
// holds the checksums of the other files, so that damage is noticed and an older checkpoint used instead.
#ifndef QFA_RUNTIME_TRAIN_CHECKPOINT_H
#define QFA_RUNTIME_TRAIN_CHECKPOINT_H

#include "core/TrainedTensors.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace qfa::rt {

struct TrainingState {
  int64_t step = 0;   ///< the next step to do
  int64_t tokens = 0; ///< trained on so far
  int64_t skipped = 0;
  double seconds = 0;     ///< spent in steps so far
  nlohmann::json options; ///< those that the course of the run depends on
};

class Checkpoints {
public:
  Checkpoints(std::filesystem::path run, bool dense);

  /// Removes what a killed process left half-written.
  void clean() const;
  /// Steps of the checkpoints that are there, ascending.
  std::vector<int64_t> steps() const;
  std::filesystem::path folder(int64_t step) const;

  /// Writes a checkpoint, then removes all but the newest `keep`. Throws Error; then the older ones are untouched.
  void write(const TrainingState &state, const std::vector<TensorState> &tensors, int64_t keep) const;
  /// Loads the newest checkpoint that is whole; says on stderr which ones were not. Nothing when there is no
  /// checkpoint; throws Error when there are only damaged ones, or ones of another model. Without the optimizer's state
  /// nothing can be trained or written again.
  std::optional<TrainingState> load(TrainedTensors &tensors, bool withOptimizer) const;

private:
  void writeTensors(const std::filesystem::path &folder, const std::vector<TensorState> &tensors) const;
  TrainingState read(int64_t step, TrainedTensors &tensors, bool withOptimizer) const;

  std::filesystem::path root;
  const char *valuesFile;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_CHECKPOINT_H
