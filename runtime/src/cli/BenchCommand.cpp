// `bench`: how fast the program's steps are, with random numbers in place of weights.
#include "cli/Commands.h"
#include "cli/Info.h"
#include "core/RandomSession.h"
#include "support/Error.h"
#include "support/Files.h"
#include "support/Random.h"
#include "support/Usage.h"
#include "train/Sampler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

using namespace qfa::rt;
using nlohmann::json;

namespace {

struct BenchOptions {
  MachineOptions machine;
  std::string bits;
  std::vector<std::string> entries;
  int repeats = 5;
  int64_t position = -1;
  bool json = false;
};

// Entries that do a user's work; the others are parts of a training step.
constexpr const char *works[] = {"train_step", "eval_step", "logits", "prefill", "decode"};

// What is called with its own inputs and outputs, on the host.
struct Call {
  const qfa_entry_t &entry;
  std::vector<std::vector<uint32_t>> tensors; // of integers or floats, both of 4 bytes
  std::vector<void *> io;

  Call(const Module &module, const qfa_entry_t &entry, int64_t position) : entry(entry) {
    uint64_t key = streamKey(0, entry.name);
    for (int i = 0; i < entry.input_count + entry.output_count; ++i) {
      std::vector<uint32_t> &values = tensors.emplace_back(Module::elements(entry.tensors[i]));
      bool areIds = i < entry.input_count && entry.tensors[i].rank == 2; // identifiers or labels
      for (size_t number = 0; areIds && number < values.size(); ++number)
        values[number] = randomBits(key, i, number) % module.raw.vocabulary;
    }
    if (entry.name == std::string_view("decode"))
      tensors[1] = {static_cast<uint32_t>(position)};
    if (entry.name == std::string_view("prefill")) // begins at position 0
      tensors[2] = {static_cast<uint32_t>(entry.tensors[0].dims[1] - 1)};
    for (std::vector<uint32_t> &values : tensors)
      io.push_back(values.data());
  }

  int64_t tokens() const { return Module::elements(entry.tensors[0]); }
  // Of the losses or logits. Throws Error when it is not finite.
  double mean() const {
    double sum = 0;
    auto *values = reinterpret_cast<const float *>(tensors.back().data());
    for (size_t i = 0; i < tensors.back().size(); ++i)
      sum += values[i];
    double mean = sum / static_cast<double>(tensors.back().size());
    if (!std::isfinite(mean))
      fail("'{}' gives {} on average, wanted a finite number", entry.name, mean);
    return mean;
  }
};

struct Times {
  std::string name;
  int64_t tokens, flops; // no tokens: a part of a step
  std::vector<double> seconds;

  double median() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    size_t half = sorted.size() / 2;
    return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
  double least() const { return *std::min_element(seconds.begin(), seconds.end()); }
};

class Bench {
public:
  Bench(const Module &module, Device &device, const BenchOptions &options, std::span<const Configuration> turns)
      : module(module), options(options), turns(turns), session(module, device, turns) {}

  std::vector<Times> times;
  std::optional<double> loss; // before training changed anything

  void measure(const std::string &name, int64_t position) {
    Call call(module, module.entry(name), position);
    if (name == "train_step")
      return measureTraining(call);
    session.setConfiguration(turns.front());
    Times &taken = times.emplace_back(name, call.tokens(), call.entry.flops);
    for (int turn = -1; turn < options.repeats; ++turn) { // the first one warms up
      double start = wallSeconds();
      session.onDevice.run(call.entry, call.io);
      if (turn >= 0)
        taken.seconds.push_back(wallSeconds() - start);
      double mean = call.mean();
      if (name == "eval_step" && !loss)
        loss = mean;
    }
  }

private:
  // Whole steps as training does them, every part of which ends with a number for the host.
  void measureTraining(Call &call) {
    const qfa_entry_t &norm = module.entry("gradient_norm"), &update = module.entry("update");
    times = {{"step", call.tokens(), call.entry.flops + norm.flops + update.flops, {}},
             {"  train_step", 0, call.entry.flops, {}},
             {"  gradient_norm", 0, norm.flops, {}},
             {"  update", 0, update.flops, {}}};
    DeviceModule &device = session.onDevice;
    for (int turn = -1; turn < options.repeats; ++turn) {
      double ends[4] = {wallSeconds()};
      session.setConfiguration(turns[(turn + 1) % turns.size()]);
      device.zeroGradients();
      device.run(call.entry, call.io);
      ends[1] = wallSeconds();
      double length = device.gradientNorm();
      ends[2] = wallSeconds();
      session.update({}, std::min(1 / static_cast<double>(call.tokens()), 1 / length)); // clipped
      ends[3] = wallSeconds();
      double mean = call.mean();
      if (!loss)
        loss = mean;
      if (turn < 0)
        continue;
      times[0].seconds.push_back(ends[3] - ends[0]);
      for (int part = 0; part < 3; ++part)
        times[part + 1].seconds.push_back(ends[part + 1] - ends[part]);
    }
  }

  const Module &module;
  const BenchOptions &options;
  std::span<const Configuration> turns;
  RandomSession session;
};

} // namespace

// The configurations of the turns, the warm-up's first.
static std::vector<Configuration> chooseConfigurations(const Module &module, const BenchOptions &options) {
  if (options.bits.empty())
    return {module.largest()};
  if (options.bits == "mixed") {
    std::vector<Configuration> drawn;
    Sampler sampler(module, Sampler::Kind::Uniform, 0, 1);
    for (int turn = 0; turn <= options.repeats; ++turn)
      drawn.push_back(sampler.sample(turn));
    return drawn;
  }
  int32_t bits = 0;
  const char *end = options.bits.data() + options.bits.size();
  if (auto [stop, code] = std::from_chars(options.bits.data(), end, bits); code != std::errc() || stop != end)
    fail("--bits is '{}', wanted a width or mixed", options.bits);
  return {module.uniform(bits)};
}

static std::vector<std::string> chooseEntries(const Module &module, const BenchOptions &options) {
  std::vector<std::string> all;
  for (const char *work : works)
    if (module.find(work))
      all.push_back(work);
  for (const std::string &name : options.entries)
    if (std::find(all.begin(), all.end(), name) == all.end())
      fail("--entry is '{}', wanted {}", name, fmt::join(all, ", "));
  if (!options.entries.empty())
    return options.entries;
  return module.find("train_step") && module.find("update") ? std::vector<std::string>{"train_step"} : all;
}

static int64_t choosePosition(const Module &module, const BenchOptions &options) {
  if (options.position < 0)
    return std::min<int64_t>(128, module.raw.context - 1);
  if (options.position >= module.raw.context)
    fail("--position is {}, wanted less than the context of {}", options.position, module.raw.context);
  return options.position;
}

static void printTimes(const std::vector<Times> &times) {
  fmt::print("\n{:<16} {:>7} {:>10} {:>10} {:>10} {:>9}\n", "", "tokens", "median s", "least s", "tokens/s", "GFLOP/s");
  for (const Times &row : times) {
    double seconds = row.median();
    std::string tokens = row.tokens ? std::to_string(row.tokens) : "";
    std::string rate = row.tokens ? fmt::format("{:.1f}", static_cast<double>(row.tokens) / seconds) : "";
    fmt::print("{:<16} {:>7} {:>10.6f} {:>10.6f} {:>10} {:>9.1f}\n", row.name, tokens, seconds, row.least(), rate,
               static_cast<double>(row.flops) / seconds * 1e-9);
  }
}

static json toJson(const std::vector<Times> &times) {
  json result = json::array();
  for (const Times &row : times)
    result.push_back({{"name", row.name.substr(row.name.find_first_not_of(' '))},
                      {"tokens", row.tokens},
                      {"flops", row.flops},
                      {"seconds", row.seconds},
                      {"median_seconds", row.median()}});
  return result;
}

static void bench(const Program &program, const BenchOptions &options) {
  const Module &module = program.module;
  std::vector<Configuration> turns = chooseConfigurations(module, options);
  std::vector<std::string> entries = chooseEntries(module, options);
  int64_t position = choosePosition(module, options);
  ThreadPool pool(options.machine.threads);
  std::unique_ptr<Device> device = openDevice(module, pool, options.machine);
  MemoryPlan plan = planMemory(module, !device->isHost(), turns);
  checkMemory(plan, *device, "bench");
  Bench bench(module, *device, options, turns);
  for (const std::string &name : entries)
    bench.measure(name, position);
  double bits = 0;
  for (const Configuration &turn : turns)
    bits += module.meanBits(turn) / static_cast<double>(turns.size());
  double uniformLoss = std::log(static_cast<double>(module.raw.vocabulary));
  if (options.json) {
    json result = {{"device", device->describe()}, {"mean_bits", bits}, {"memory", toJson(plan)},
                   {"times", toJson(bench.times)}, {"loss", nullptr},   {"log_vocabulary", uniformLoss}};
    if (bench.loss)
      result["loss"] = *bench.loss;
    std::cout << result.dump() << "\n";
  } else {
    fmt::print("'{}' on {}, random weights of {:.2f} bits\n", module.raw.name, device->describe(), bits);
    fmt::print("memory {}: {}\n", humanBytes(static_cast<double>(plan.total())), plan.parts());
    if (bench.loss)
      fmt::print("loss {:.3f}, ln(vocabulary) {:.3f}\n", *bench.loss, uniformLoss);
    printTimes(bench.times);
  }
  if (device->profiles())
    fmt::print(stderr, "{}", device->profileTable());
}

void qfa::rt::addBench(CLI::App &app, const Program &program) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command = app.add_subcommand("bench", "Measure the program's steps, with random weights");
  if (program.module.isTable())
    command->add_option("--bits", options->bits, "A width of every site, or mixed: drawn anew; default: the widest");
  command->add_option("--entry", options->entries,
                      "train_step (with the optimizer's), eval_step, logits, prefill or decode; default: the training "
                      "step where there is one, else all");
  command->add_option("--repeats", options->repeats, "Timed runs, after one to warm up")->check(CLI::Range(1, 1 << 20));
  if (program.module.find("decode"))
    command->add_option("--position", options->position, "Tokens before the one that is decoded; -1: up to 128")
        ->check(CLI::Range(int64_t{-1}, int64_t{1} << 30));
  command->add_flag("--json", options->json, "Print JSON");
  addDeviceOptions(*command, options->machine);
  command->callback([&program, options] { bench(program, *options); });
}
