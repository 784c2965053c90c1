// The commands, one function each, and what they share.
#ifndef QFA_RUNTIME_CLI_COMMANDS_H
#define QFA_RUNTIME_CLI_COMMANDS_H

#include "cli/Machine.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace qfa::rt {

/// Each adds its command to the program; the command's work is its callback.
void addTrain(CLI::App &app, const Program &program);
void addEval(CLI::App &app, const Program &program);
void addSearch(CLI::App &app, const Program &program);
void addGenerate(CLI::App &app, const Program &program);
void addBench(CLI::App &app, const Program &program);
void addCheck(CLI::App &app, const Program &program);
void addInfo(CLI::App &app, const Program &program);
void addLogits(CLI::App &app, const Program &program);

/// --threads, --isa, --device, --gemm, --profile.
void addDeviceOptions(CLI::App &command, MachineOptions &options);
/// The same and --weights.
void addMachineOptions(CLI::App &command, MachineOptions &options);

/// --run, --bits, --configuration, as far as the program's mode has them.
struct ModelOptions {
  std::string run, configuration;
  int32_t bits = 0;
  bool initial = false;
};
void addModelOptions(CLI::App &command, const Program &program, ModelOptions &options);

/// Opens the session that these options ask for and puts their configuration in force.
std::unique_ptr<Machine> openMachine(const Program &program, const MachineOptions &options, const ModelOptions &model);

/// The configuration of a file as search writes it. Throws Error when it is not one of this module.
Configuration readConfiguration(const Module &module, const std::string &path);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_COMMANDS_H
