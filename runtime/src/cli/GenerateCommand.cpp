// `generate`: text.
#include "cli/Commands.h"
#include "cli/DataOptions.h"
#include "generate/Generator.h"
#include "support/Error.h"
#include "support/Interrupt.h"

#include <algorithm>
#include <iostream>

using namespace qfa::rt;

namespace {

struct GenerateOptions {
  MachineOptions machine;
  ModelOptions model;
  TextOptions text;
  SamplingOptions sampling;
  std::string prompt;
  int64_t tokens = 100;
};

} // namespace

static void generate(const Program &program, GenerateOptions &options) {
  options.sampling.validate();
  fillFromRun(options.text, options.model.run);
  if (options.text.tokenizer.empty())
    fail("no tokenizer: give --tokenizer");
  auto tokenizer = openTokenizer(options.text.tokenizer, program.module.raw.vocabulary);
  std::vector<int32_t> ids = tokenizer->encode(options.prompt);
  if (ids.empty() && tokenizer->bosId())
    ids.push_back(*tokenizer->bosId());
  auto machine = openMachine(program, options.machine, options.model);
  Generator generator(machine->session);
  std::span<const float> logits = generator.read(ids);
  std::vector<int32_t> stops = tokenizer->stopIds();
  StreamDecoder decoder(*tokenizer);
  // The prompt goes through the decoder as well: what a token spells may depend on those before it.
  for (int32_t id : ids)
    std::cout << decoder.push(id);
  InterruptGuard guard;
  for (int64_t number = 0; number < options.tokens && !interrupted(); ++number) {
    int32_t id = chooseToken(logits, options.sampling, number);
    if (std::find(stops.begin(), stops.end(), id) != stops.end())
      break;
    std::cout << decoder.push(id) << std::flush;
    if (number + 1 == options.tokens)
      break;
    if (generator.position() == generator.context()) {
      fmt::print(stderr, "\nthe context of {} tokens is full", generator.context());
      break;
    }
    logits = generator.read({&id, 1});
  }
  std::cout << decoder.finish() << std::endl;
}

void qfa::rt::addGenerate(CLI::App &app, const Program &program) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App *command = app.add_subcommand("generate", "Continue a text");
  command->add_option("--prompt", options->prompt, "The text to continue");
  addTokenizerOption(*command, options->text, program.module.isStatic());
  command->add_option("--tokens,--max-tokens", options->tokens, "Tokens to generate at most")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  command->add_option("--temperature", options->sampling.temperature, "0: always the likeliest token");
  command->add_option("--top-k", options->sampling.topK, "Choose among so many; 0: all");
  command->add_option("--top-p", options->sampling.topP, "Choose among the likeliest with this probability together");
  command->add_option("--seed", options->sampling.seed, "Of the choices");
  addModelOptions(*command, program, options->model);
  addMachineOptions(*command, options->machine);
  command->callback([&program, options] { generate(program, *options); });
}
