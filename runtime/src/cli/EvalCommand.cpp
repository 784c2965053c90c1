// `eval`: loss and perplexity of one configuration.
#include "cli/Commands.h"
#include "cli/DataOptions.h"
#include "search/Budget.h"
#include "support/Error.h"
#include "train/Evaluation.h"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

using namespace qfa::rt;
using nlohmann::json;

void qfa::rt::addEval(CLI::App &app, const Program &program) {
  struct Options {
    MachineOptions machine;
    ModelOptions model;
    TextOptions text;
    int64_t maxTokens = 0;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("eval", "Loss and perplexity on a text");
  command
      ->add_option("--data", options->text.data,
                   program.module.isStatic() ? "Text to read" : "Text to read; default: the run's validation text")
      ->required(program.module.isStatic());
  addTokenizerOption(*command, options->text, program.module.isStatic());
  command->add_option("--packing", options->text.packing, "auto, documents (one a sample) or packed (windows)");
  command->add_option("--max-tokens", options->maxTokens, "Read so many tokens at most; 0: all");
  command->add_flag("--json", options->json, "Print JSON");
  addModelOptions(*command, program, options->model);
  addMachineOptions(*command, options->machine);
  command->callback([&program, options] {
    options->text.validationData = options->text.data;
    fillFromRun(options->text, options->model.run);
    Text text = openEvaluationText(program.module, options->text);
    auto machine = openMachine(program, options->machine, options->model);
    Session &session = machine->session;
    LossSum sum = evaluate(session, text.dataset.validation(), options->maxTokens, text.tokenizer.get());
    uint64_t bytes = deployedBytes(program.module, session.configuration()).total;
    double meanBits = program.module.meanBits(session.configuration());
    double bitsPerCharacter = sum.loss / std::log(2.0) / static_cast<double>(std::max<int64_t>(1, sum.characters));
    if (options->json)
      std::cout << json{{"loss", sum.mean()},   {"perplexity", sum.perplexity()},
                        {"tokens", sum.tokens}, {"bits_per_character", bitsPerCharacter},
                        {"bytes", bytes},       {"mean_bits", meanBits}}
                       .dump()
                << "\n";
    else
      fmt::print("loss {:.4f}  perplexity {:.3f}  tokens {}  bits per character {:.3f}  mean bits {:.2f}  bytes {}\n",
                 sum.mean(), sum.perplexity(), sum.tokens, bitsPerCharacter, meanBits, bytes);
  });
}
