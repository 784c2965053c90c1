// Entry point of every compiled program.
#include "cli/Program.h"

#include <filesystem>

int main(int argc, char **argv) {
  std::error_code code;
  std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", code);
  return qfa::rt::runProgram(qfa_module, code ? argv[0] : path.string(), {argv + 1, argv + argc});
}
