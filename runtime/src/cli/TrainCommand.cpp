// `train`: from options to a run's folder.
#include "cli/Commands.h"
#include "cli/DataOptions.h"
#include "cli/Info.h"
#include "cli/RunFolder.h"
#include "support/Error.h"
#include "support/Files.h"
#include "train/Trainer.h"

#include <algorithm>
#include <cctype>
#include <iostream>

using namespace qfa::rt;
namespace fs = std::filesystem;
namespace format = qfa::format;

namespace {

struct TrainCommand {
  MachineOptions machine;
  TextOptions text;
  TrainOptions train;
  std::string config, checkpointEvery = "10m";
  bool resume = false, dryRun = false;
  CLI::App *command = nullptr;
};

} // namespace

static void addOptions(CLI::App &app, const Program &program, TrainCommand &options) {
  CLI::App &command = *options.command;
  TrainOptions &train = options.train;
  train.sampler = program.module.raw.sampler ? program.module.raw.sampler : "resource-balanced";
  command.add_option("--data", options.text.data, "Text, JSONL or Alpaca JSON: files, folders, patterns")->required();
  addTokenizerOption(command, options.text, true);
  command.add_option("--out", train.out, "Folder of the run")->required();
  command.add_option("--validation-data", options.text.validationData, "Text that is not trained on");
  command.add_option("--validation-fraction", options.text.validationFraction,
                     "Part of the data to keep for validation, without --validation-data");
  command.add_option("--packing", options.text.packing, "auto, documents (one a sample) or packed (windows)");
  command.add_option("--max-steps", train.maxSteps, "End after so many steps");
  command.add_option("--max-minutes", train.maxMinutes, "End after so many minutes of steps");
  command.add_option("--learning-rate", train.optimizer.learningRate, "Largest learning rate");
  command.add_option("--schedule", train.schedule, "Of the learning rate: constant or cosine");
  command.add_option("--warmup-steps", train.warmupSteps, "Steps in which the learning rate rises");
  command.add_option("--planned-steps", train.planned,
                     "Steps that schedule and period span; 0: --max-steps, or by the time of one step");
  command.add_option("--gradient-accumulation", train.gradientAccumulation, "Batches of one step");
  command.add_option("--clip", train.clip, "Largest norm of a step's gradients; 0: no limit");
  command.add_option("--weight-decay", train.optimizer.weightDecay, "Of AdamW");
  command.add_option("--beta1", train.optimizer.beta1, "Of AdamW");
  command.add_option("--beta2", train.optimizer.beta2, "Of AdamW");
  command.add_option("--epsilon", train.optimizer.epsilon, "Of AdamW");
  if (program.module.isTable()) {
    command.add_option("--sampler", train.sampler, "Of configurations: resource-balanced or uniform");
    command.add_option("--period", train.period, "Steps from many bits to few and back; 0: --planned-steps");
  }
  command.add_option("--seed", train.seed, "Of everything random");
  command.add_option("--checkpoint-every", options.checkpointEvery, "Steps (100) or minutes (10m)");
  command.add_option("--keep", train.keep, "Checkpoints to keep");
  command.add_option("--eval-every", train.evalEvery, "Steps between two looks at the validation loss; 0: none");
  command.add_option("--eval-tokens", train.evalTokens, "Tokens of such a look");
  command.add_flag("--resume", options.resume, "Go on from the newest checkpoint, with the options of the run");
  command.add_option("--config", options.config, "YAML file with any of these options, without dashes");
  command.add_flag("--dry-run", options.dryRun, "Say what memory and arithmetic it takes, and end");
  addMachineOptions(command, options.machine);
}

static void parseCheckpointEvery(const std::string &text, TrainOptions &train) {
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  std::string unit = end;
  if (end == text.c_str() || !(value > 0) || !(unit.empty() || unit == "m") ||
      (unit.empty() && value != std::floor(value)))
    fail("--checkpoint-every is '{}', wanted steps (100) or minutes (10m)", text);
  train.checkpointMinutes = value;
  train.checkpointSteps = unit.empty() ? static_cast<int64_t>(value) : 0; // steps count before minutes
}

// Every option as it stands now, paths made absolute so that later commands find them from anywhere.
static ConfigValues resolvedConfig(const TrainCommand &options, const std::string &weights) {
  ConfigValues values;
  for (const CLI::Option *option : options.command->get_options()) {
    if (option->get_lnames().empty())
      continue;
    std::string name = option->get_lnames()[0];
    if (name == "help" || name == "config" || name == "resume" || name == "dry-run" || name == "out" ||
        name == "profile")
      continue;
    if (option->count() > 0)
      values[name] = option->results();
    else if (!option->get_default_str().empty() && option->get_default_str() != "[]" &&
             option->get_default_str() != "\"\"")
      values[name] = {option->get_default_str()};
  }
  for (const char *name : {"data", "validation-data", "tokenizer"})
    for (std::string &path : values[name])
      path = fs::absolute(path).lexically_normal().string();
  std::erase_if(values, [](const auto &item) { return item.second.empty(); });
  values["weights"] = {fs::absolute(weights).lexically_normal().string()};
  if (options.command->get_option_no_throw("--period"))
    values["period"] = {std::to_string(options.train.period)};
  values["planned-steps"] = {std::to_string(options.train.planned)};
  return values;
}

static void printPlan(const Module &module, const TrainOptions &train, bool onGpu) {
  MemoryPlan plan = planMemory(module, onGpu);
  const qfa_entry_t &step = module.entry("train_step");
  int64_t flops = step.flops * train.gradientAccumulation;
  for (const char *name : {"gradient_norm", "update"})
    flops += module.entry(name).flops;
  fmt::print("memory {} at most: {}\n", humanBytes(plan.total()), plan.parts());
  fmt::print("a step: {:.2f} GFLOP, {} tokens\n", flops * 1e-9,
             Module::elements(step.tensors[0]) * train.gradientAccumulation);
}

// All parameters under their own names, trained or not: what qfa-compile --weights takes.
static void writeModel(const Session &session, const std::string &path) {
  format::SafetensorsWriter writer;
  std::string error;
  std::span<const qfa_parameter_t> parameters = session.module.parameters();
  for (const qfa_parameter_t &parameter : parameters)
    if (parameter.resident)
      writer.declare(parameter.name, format::DType::F32, Module::shape(parameter));
  bool good = writer.open(path, error);
  for (size_t i = 0; i < parameters.size() && good; ++i)
    if (parameters[i].resident)
      good = writer.write(parameters[i].name, session.parameter(i), Module::elements(parameters[i]) * 4, error);
  if (!good || !writer.finish(error))
    throw Error(error);
}

static void prepareFolder(const Program &program, const TrainCommand &options, const Checkpoints &checkpoints) {
  checkpoints.clean();
  if (!options.resume && !checkpoints.steps().empty())
    fail("run '{}' is at step {} already; go on with --resume, or choose another --out", options.train.out,
         checkpoints.steps().back());
  if (options.resume && checkpoints.steps().empty() && !fs::exists(options.train.out))
    fail("cannot resume '{}': no such run", options.train.out);
  std::error_code code;
  fs::create_directories(options.train.out, code);
  if (code)
    fail("cannot make folder '{}': {}", options.train.out, code.message());
}

// As one word of a shell's command line.
static std::string shellWord(const std::string &text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("_./=,:+-@%").find(static_cast<char>(c)) != std::string_view::npos;
      }))
    return text;
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// The command that goes on with a run, to be typed in the folder where this one was.
static std::string resumeCommand(const Program &program, const std::string &out) {
  std::error_code code;
  std::string path = fs::proximate(program.path, code).string();
  if (path.find('/') == std::string::npos)
    path = "./" + path;
  return fmt::format("{} train --resume --out {}", shellWord(path), shellWord(out));
}

static void train(const Program &program, TrainCommand &options) {
  parseCheckpointEvery(options.checkpointEvery, options.train);
  options.text.seed = options.train.seed;
  options.train.validate();
  Sampler::parseKind(options.train.sampler);
  if (options.dryRun)
    return printPlan(program.module, options.train,
                     options.machine.device != "cpu" && program.module.raw.gpu_image_count > 0);
  const qfa_entry_t &entry = program.module.entry("train_step");
  RunFolder run(options.train.out);
  Checkpoints checkpoints(run.path, program.module.isDense());
  SessionSources sources{findWeights(program, options.machine), ""};
  Text text = openText(program.module, entry, options.text);
  options.machine.trains = true;
  auto makeSources = [&](ThreadPool &pool) {
    prepareFolder(program, options, checkpoints);
    if (!program.module.isTable())
      return sources;
    sources.supernet = run.supernet().string();
    if (fs::exists(sources.supernet)) {
      checkSupernet(program.module, sources.supernet);
    } else {
      fmt::print(stderr, "rounding the weights to every width\n");
      writeSupernet(program.module, Weights(sources.weights), pool, sources.supernet);
    }
    return sources;
  };
  Machine machine(program, options.machine, makeSources, options.train.seed);
  const SampleSet &samples = text.dataset.train(), &validation = text.dataset.validation();
  BatchOrder order{samples.size(), entry.tensors[0].dims[0], options.train.gradientAccumulation, options.train.seed};
  Trainer::BatchSource batches = [&](int64_t step, int64_t microbatch) {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < order.rows; ++row)
      rows.push_back(order.sampleOf(step, microbatch, row));
    return samples.gather(rows);
  };
  Trainer::plan(options.train, machine.session, batches);
  Trainer trainer(machine.session, options.train, batches, &validation);
  if (options.resume && trainer.resume())
    fmt::print(stderr, "going on after step {}\n", trainer.state().step);
  fmt::print(stderr, "training on {}: {} tokens in {} samples, {} for validation\n", machine.device->describe(),
             samples.tokenCount(), samples.size(), validation.size());
  writeConfig(run.config(), resolvedConfig(options, sources.weights));
  bool early = trainer.run();
  if (program.module.isDense())
    writeModel(machine.session, run.model().string());
  const TrainingState &state = trainer.state();
  if (early)
    fmt::print("stopped after step {}; go on with: {}\n", state.step, resumeCommand(program, options.train.out));
  else
    fmt::print("trained {} steps on {} tokens in {}{}; run: {}\n", state.step, state.tokens, clockText(state.seconds),
               state.skipped ? fmt::format(", {} steps skipped", state.skipped) : "", options.train.out);
}

void qfa::rt::addTrain(CLI::App &app, const Program &program) {
  auto options = std::make_shared<TrainCommand>();
  options->command = app.add_subcommand("train", program.module.isTable() ? "Train the adapters of the supernet"
                                                                          : "Train all weights in float");
  addOptions(app, program, *options);
  options->command->callback([&program, options] { train(program, *options); });
}
