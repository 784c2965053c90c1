// Parses the command line and turns every failure into one line on stderr and exit code 1.
#include "cli/Program.h"

#include "cli/Commands.h"
#include "cli/RunFolder.h"
#include "support/Error.h"

#include <filesystem>
#include <iostream>

using namespace qfa::rt;

static std::string lowerFirst(std::string text) {
  if (text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) &&
      !std::isupper(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// Long names of a command's options.
static std::vector<std::string> optionNames(const CLI::App &command) {
  std::vector<std::string> names;
  for (const CLI::Option *option : command.get_options())
    names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  return names;
}

static void addCommands(CLI::App &app, const Program &program) {
  const Module &module = program.module;
  if (module.find("train_step") && !module.isStatic())
    addTrain(app, program);
  if (module.find("eval_step"))
    addEval(app, program);
  if (module.isTable() && module.find("eval_step"))
    addSearch(app, program);
  if (module.find("decode"))
    addGenerate(app, program);
  addBench(app, program);
  if (module.raw.gpu_image_count > 0)
    addCheck(app, program);
  addInfo(app, program);
  if (module.find("logits"))
    addLogits(app, program);
}

static int parse(CLI::App &app, std::vector<std::string> arguments, const std::string &name) {
  try {
    auto called = [&](const CLI::App *command) { return command->get_name() == arguments[0]; };
    if (!arguments.empty() && !arguments[0].starts_with('-') && app.get_subcommands(called).empty())
      fail("no command is called '{}'; see {} --help", arguments[0], name);
    for (const CLI::App *command : app.get_subcommands([](CLI::App *) { return true; }))
      if (!arguments.empty() && arguments[0] == command->get_name() && command->get_option_no_throw("--config")) {
        std::vector<std::string> rest = withConfig({arguments.begin() + 1, arguments.end()}, optionNames(*command));
        arguments.resize(1);
        arguments.insert(arguments.end(), rest.begin(), rest.end());
      }
    std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants them
    app.parse(arguments);
    return 0;
  } catch (const CLI::CallForHelp &) {
    for (const CLI::App *command : app.get_subcommands())
      return std::cout << command->help(name), 0;
    std::cout << app.help();
    return 0;
  } catch (const CLI::CallForVersion &version) {
    std::cout << version.what() << "\n";
    return 0;
  } catch (const CLI::ParseError &error) {
    std::string command = app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name();
    fmt::print(stderr, "{}: {}; see {}{} --help\n", name, lowerFirst(error.what()), name, command);
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "{}: out of memory\n", name);
  } catch (const std::exception &error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
  }
  return 1;
}

int qfa::rt::runProgram(const qfa_module_t &raw, const std::string &path, std::vector<std::string> arguments) {
  std::string name = std::filesystem::path(path).filename().string();
  std::optional<Module> module;
  try {
    module.emplace(raw);
  } catch (const Error &error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
  }
  const char *kind = module->isTable() ? "a supernet" : module->isStatic() ? "a subnet" : "a model in float";
  CLI::App app(fmt::format("{}: {} of '{}', compiled by qfa {}", name, kind, raw.name, raw.compiler_version), name);
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("{} (qfa {})", raw.name, raw.compiler_version));
  app.option_defaults()->always_capture_default();
  Program program{*module, path};
  addCommands(app, program);
  return parse(app, std::move(arguments), name);
}
