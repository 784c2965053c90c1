// The training loop.
#include "train/Trainer.h"

#include "support/Error.h"
#include "support/Files.h"
#include "support/Interrupt.h"
#include "support/Usage.h"
#include "train/Evaluation.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace qfa::rt;

static constexpr int mostSkippedInARow = 10;

Trainer::Trainer(Session &session, const TrainOptions &options, BatchSource batches, const SampleSet *validation)
    : session(session), options(options), batches(std::move(batches)), validation(validation),
      sampler(session.module, Sampler::parseKind(options.sampler), options.seed, std::max<int64_t>(1, options.period)),
      checkpoints(options.out, session.module.isDense()) {
  training.options = options.decisive();
}

void Trainer::plan(TrainOptions &options, Session &session, const BatchSource &batches) {
  if (options.planned == 0)
    options.planned = options.maxSteps;
  if (options.planned == 0) {
    Batch batch = batches(0, 0);
    session.setConfiguration(session.module.largest());
    double seconds = 0;
    for (int time = 0; time < 2; ++time) { // the first reads weights and copies from disk
      double start = wallSeconds();
      runLossEntry(session, session.module.entry("train_step"), batch);
      session.gradientNorm();
      session.zeroGradients();
      seconds = (wallSeconds() - start) * static_cast<double>(options.gradientAccumulation);
    }
    options.planned = std::max<int64_t>(1, std::llround(options.maxMinutes * 60 / seconds));
  }
  if (options.period == 0)
    options.period = options.planned;
}

bool Trainer::resume() {
  checkpoints.clean();
  std::optional<TrainingState> found = checkpoints.load(session.trained(), true);
  if (!found)
    return false;
  for (const auto &[key, value] : training.options.items())
    if (found->options.value(key, nlohmann::json()) != value)
      fail("cannot resume '{}' with --{} {}, its checkpoint was made with {}", options.out, key, value.dump(),
           found->options.value(key, nlohmann::json()).dump());
  training = std::move(*found);
  written = training.step;
  return true;
}

Trainer::Step Trainer::step(int64_t number) {
  Step result;
  session.setConfiguration(sampler.sample(number));
  session.zeroGradients();
  const qfa_entry_t &entry = session.module.entry("train_step");
  double sum = 0;
  for (int64_t micro = 0; micro < options.gradientAccumulation; ++micro) {
    Batch batch = batches(number, micro);
    LossSum loss = runLossEntry(session, entry, batch);
    sum += loss.loss;
    result.tokens += loss.tokens;
  }
  if (result.tokens == 0) // rows of prompts only: nothing to learn from, nothing wrong
    return result;
  double scale = 1 / static_cast<double>(result.tokens);
  result.loss = sum * scale;
  result.norm = session.gradientNorm() * scale;
  if (!std::isfinite(result.loss) || !std::isfinite(result.norm)) {
    result.skipped = true;
    return result;
  }
  if (options.clip > 0 && result.norm > options.clip)
    scale *= options.clip / result.norm;
  Optimizer optimizer = options.optimizer;
  optimizer.learningRate = static_cast<float>(options.learningRateAt(number));
  session.update(optimizer, scale);
  return result;
}

bool Trainer::atEnd() const {
  return (options.maxSteps > 0 && training.step >= options.maxSteps) ||
         (options.maxMinutes > 0 && training.seconds >= options.maxMinutes * 60);
}

static nlohmann::json finiteOrNull(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

void Trainer::report(const Step &step, double seconds, double cpu, MetricsFile &metrics) {
  int64_t number = training.step - 1;
  double bits = session.module.meanBits(session.configuration()), learningRate = options.learningRateAt(number);
  metrics.write({{"step", number},
                 {"loss", finiteOrNull(step.loss)},
                 {"learning_rate", learningRate},
                 {"gradient_norm", finiteOrNull(step.norm)},
                 {"mean_bits", bits},
                 {"tokens", step.tokens},
                 {"seconds", seconds},
                 {"cpu_seconds", cpu},
                 {"peak_rss_bytes", peakMemoryBytes()},
                 {"skipped", step.skipped}});
  double speed = static_cast<double>(step.tokens) / seconds;
  rate = rate == 0 ? speed : 0.9 * rate + 0.1 * speed;
  double left = INFINITY;
  if (options.maxSteps > 0)
    left =
        training.seconds / static_cast<double>(training.step) * static_cast<double>(options.maxSteps - training.step);
  if (options.maxMinutes > 0)
    left = std::min(left, options.maxMinutes * 60 - training.seconds);
  std::string of = options.maxSteps > 0 ? fmt::format("/{}", options.maxSteps) : "";
  line.show(fmt::format("step {}{}  loss {:.3f}  lr {:.1e}  {:.0f} tokens/s  bits {:.2f}  memory {}  left {}{}",
                        training.step, of, step.loss, learningRate, rate, bits,
                        humanBytes(static_cast<double>(residentMemoryBytes())), clockText(std::max(0.0, left)),
                        training.skipped ? fmt::format("  skipped {}", training.skipped) : ""),
            atEnd());
}

// The validation loss with every free site at the same width, at each width.
void Trainer::evaluateUniform(MetricsFile &metrics) {
  std::set<int32_t> widths;
  for (int64_t site = 0; site < session.module.raw.site_count; ++site)
    if (session.module.isFree(site))
      widths.insert(session.module.bitsOf(site).begin(), session.module.bitsOf(site).end());
  if (widths.empty())
    widths = {0};
  nlohmann::json losses;
  std::string text;
  for (int32_t bits : widths) {
    session.setConfiguration(session.module.atMost(bits));
    double loss = evaluate(session, *validation, options.evalTokens).mean();
    losses[bits > 0 ? std::to_string(bits) : "all"] = finiteOrNull(loss);
    text += bits > 0 ? fmt::format("  {} bits {:.3f}", bits, loss) : fmt::format("  {:.3f}", loss);
  }
  metrics.write({{"step", training.step - 1}, {"validation_loss", losses}});
  line.end();
  fmt::print(stderr, "step {}  validation loss{}\n", training.step, text);
}

void Trainer::checkpoint() {
  if (written == training.step)
    return;
  finishCheckpoint(); // the host's tensors are those of the one before
  auto write = [this, state = training, tensors = session.trained().states()] {
    checkpoints.write(state, tensors, options.keep);
  };
  if (session.isHost()) // training would change what is being written
    write();
  else
    writing = std::async(std::launch::async, write);
  written = training.step;
}

void Trainer::finishCheckpoint() {
  if (writing.valid())
    writing.get();
}

bool Trainer::loop() {
  MetricsFile metrics(std::filesystem::path(options.out) / "metrics.jsonl", training.step);
  InterruptGuard guard;
  double lastCheckpoint = wallSeconds();
  TrainingState good = training;
  for (int skippedInARow = 0; !atEnd() && !interrupted();) {
    double start = wallSeconds(), cpu = cpuSeconds();
    Step done = step(training.step);
    ++training.step;
    training.seconds += wallSeconds() - start;
    training.tokens += done.tokens;
    training.skipped += done.skipped;
    report(done, wallSeconds() - start, cpuSeconds() - cpu, metrics);
    skippedInARow = done.skipped ? skippedInARow + 1 : 0;
    if (skippedInARow == mostSkippedInARow) {
      line.end();
      training = good; // skipped steps changed nothing
      checkpoint();
      finishCheckpoint();
      fail("loss or gradients were not finite in {} steps in a row, the last of them step {}; the last good state is "
           "'{}'",
           mostSkippedInARow, good.step + mostSkippedInARow - 1, checkpoints.folder(good.step).string());
    }
    if (!done.skipped)
      good = training;
    if (options.evalEvery > 0 && training.step % options.evalEvery == 0 && validation && validation->size() > 0)
      evaluateUniform(metrics);
    bool due = options.checkpointSteps > 0 ? training.step % options.checkpointSteps == 0
                                           : wallSeconds() - lastCheckpoint >= options.checkpointMinutes * 60;
    if (due) {
      checkpoint();
      lastCheckpoint = wallSeconds();
    }
  }
  bool early = interrupted() && !atEnd();
  line.end();
  checkpoint();
  return early;
}

// That a step cannot be reported is no reason to lose it.
bool Trainer::run() {
  try {
    bool early = loop();
    finishCheckpoint();
    return early;
  } catch (const UnwrittenMetrics &reason) {
    line.end();
    checkpoint();
    finishCheckpoint();
    fail("{}; training ended after step {}, its checkpoint is '{}'", reason.what(), training.step,
         checkpoints.folder(training.step).string());
  }
}
