// `search`: the best configuration of a run under each budget, written to RUN/subnets.
#include "cli/Commands.h"
#include "cli/DataOptions.h"
#include "cli/RunFolder.h"
#include "search/ScoreCache.h"
#include "search/Search.h"
#include "support/Error.h"
#include "support/Files.h"
#include "support/Interrupt.h"
#include "support/Usage.h"
#include "train/Checkpoint.h"
#include "train/Evaluation.h"
#include "train/Progress.h"

#include <cmath>
#include <xxhash.h>

using namespace qfa::rt;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct SearchCommand {
  MachineOptions machine;
  ModelOptions model;
  TextOptions text;
  SearchOptions search;
  std::vector<std::string> budgets;
  int64_t maxTokens = 512, finalTokens = 4096;
};

} // namespace

// What a score depends on: the weights, the text, and how much of it.
static std::string scoreKey(const std::string &run, const SampleSet &samples, int64_t maxTokens) {
  Checkpoints checkpoints(run, false);
  std::string state = checksumOf(checkpoints.folder(checkpoints.steps().back()) / "adapters.safetensors");
  uint64_t text = 0;
  for (int64_t i = 0; i < samples.size(); ++i) {
    Batch batch = samples.inOrder(i, 1);
    text = XXH3_64bits_withSeed(batch.ids.data(), batch.ids.size() * 4, text);
    text = XXH3_64bits_withSeed(batch.labels.data(), batch.labels.size() * 4, text);
  }
  return fmt::format("{}:{:016x}:{}", state, text, maxTokens);
}

static json describeSubnet(const Module &module, const Budget &budget, const Candidate &candidate) {
  DeployedBytes bytes = deployedBytes(module, candidate.configuration);
  json configuration = json::object();
  for (int64_t site = 0; site < module.raw.site_count; ++site)
    configuration[module.raw.sites[site].name] = candidate.configuration[site];
  return {{"model", module.raw.name},
          {"budget", budget.text},
          {"mean_bits", module.meanBits(candidate.configuration)},
          {"validation_loss", candidate.loss},
          {"validation_perplexity", std::exp(candidate.loss)},
          {"bytes",
           {{"total", bytes.total},
            {"codes", bytes.codes},
            {"scales", bytes.scales},
            {"zeros", bytes.zeros},
            {"vocabulary", bytes.vocabulary},
            {"parameters", bytes.parameters},
            {"header", bytes.header}}},
          {"configuration", configuration}};
}

static void search(const Program &program, SearchCommand &options) {
  const Module &module = program.module;
  std::vector<Budget> budgets;
  for (const std::string &text : options.budgets)
    budgets.push_back(parseBudget(text));
  if (options.search.samples < 1 || options.search.refine < 0)
    fail("--samples is {} and --refine {}, wanted positive numbers", options.search.samples, options.search.refine);
  if (options.search.finalists < 1)
    fail("--finalists is {}, wanted a positive number", options.search.finalists);
  for (const Budget &budget : budgets)
    Search(module, options.search, {}, {}).checkFeasible(budget);
  options.text.validationData = options.text.data;
  fillFromRun(options.text, options.model.run);
  Text text = openEvaluationText(module, options.text);
  const SampleSet &samples = text.dataset.validation();
  auto machine = openMachine(program, options.machine, options.model);
  RunFolder run(options.model.run);
  LiveLine line;
  InterruptGuard guard;
  int64_t evaluated = 0;
  auto scoreOn = [&](int64_t tokens) -> Search::Score {
    auto cache = std::make_shared<ScoreCache>(run.searchCache(), scoreKey(options.model.run, samples, tokens));
    return [&, tokens, cache](const Configuration &configuration) -> std::optional<double> {
      if (std::optional<double> known = cache->find(configuration))
        return known;
      if (interrupted())
        return std::nullopt;
      double start = wallSeconds();
      machine->session.setConfiguration(configuration);
      double loss = evaluate(machine->session, samples, tokens).mean();
      cache->add(configuration, loss);
      line.show(fmt::format("evaluation {}  bits {:.3f}  loss {:.4f}  {:.2f} s", ++evaluated,
                            module.meanBits(configuration), loss, wallSeconds() - start));
      return loss;
    };
  };
  auto stopped = [&] {
    line.end();
    fmt::print("stopped after {} evaluations, all of them kept; the same command goes on\n", evaluated);
  };
  Search search(module, options.search, scoreOn(options.maxTokens), scoreOn(options.finalTokens));
  if (!search.explore())
    return stopped();
  fs::create_directories(run.subnets());
  for (const Budget &budget : budgets) {
    std::optional<Candidate> found = search.refine(budget);
    if (!found)
      return stopped();
    json subnet = describeSubnet(module, budget, *found);
    fs::path file = run.subnets() / (budget.text + ".json");
    writeTextFile(file, subnet.dump(1) + "\n");
    line.end();
    fmt::print("{}: loss {:.4f}  perplexity {:.3f}  bits {:.3f}  {} ({})\n", budget.text, found->loss,
               std::exp(found->loss), module.meanBits(found->configuration),
               humanBytes(subnet["bytes"]["total"].get<double>()), file.string());
  }
}

void qfa::rt::addSearch(CLI::App &app, const Program &program) {
  auto options = std::make_shared<SearchCommand>();
  CLI::App *command = app.add_subcommand("search", "Find the best configuration of a run under budgets");
  command->add_option("--run", options->model.run, "The training run")->required();
  command->add_option("--budget", options->budgets, "Mean bits (2.5bpw) or bytes of the deployed file (400KiB)")
      ->required();
  command->add_option("--data", options->text.data, "Text to score on; default: the run's validation text");
  addTokenizerOption(*command, options->text, false);
  command->add_option("--samples", options->search.samples, "Configurations of the first stage");
  command->add_option("--refine", options->search.refine, "Configurations of the second stage, per budget");
  command->add_option("--max-tokens", options->maxTokens, "Tokens to score a configuration on; 0: all");
  command->add_option("--finalists", options->search.finalists, "Best configurations of a budget to score again");
  command->add_option("--final-tokens", options->finalTokens, "Tokens to score a finalist on; 0: all");
  command->add_option("--seed", options->search.seed, "Of the configurations to try");
  addMachineOptions(*command, options->machine);
  command->callback([&program, options] { search(program, *options); });
}
