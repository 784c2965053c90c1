// The command line of a compiled program.
#ifndef QFA_RUNTIME_CLI_PROGRAM_H
#define QFA_RUNTIME_CLI_PROGRAM_H

#include "qfa/module_abi.h"

#include <string>
#include <vector>

namespace qfa::rt {

/// main() of the program that holds `module`; arguments without the program's name. Returns the exit code.
/// path: the program's file, beside which its weights lie.
int runProgram(const qfa_module_t &module, const std::string &path, std::vector<std::string> arguments);

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_PROGRAM_H
