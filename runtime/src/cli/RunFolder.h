// A run's folder: where its files are, and what its config.yaml remembers.
#ifndef QFA_RUNTIME_CLI_RUNFOLDER_H
#define QFA_RUNTIME_CLI_RUNFOLDER_H

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace qfa::rt {

/// Values by option name, without dashes.
using ConfigValues = std::map<std::string, std::vector<std::string>>;

/// Throws Error naming the file for what is not a map of scalars and lists.
ConfigValues readConfig(const std::filesystem::path &path);
void writeConfig(const std::filesystem::path &path, const ConfigValues &values);

/// Puts the values of --config FILE (and, after --resume, those of the run's config.yaml) in front of the arguments,
/// leaving out options that the arguments name themselves. `known`: the options that the command has.
std::vector<std::string> withConfig(std::vector<std::string> arguments, const std::vector<std::string> &known);

class RunFolder {
public:
  explicit RunFolder(std::filesystem::path path) : path(std::move(path)) {}

  std::filesystem::path path;
  std::filesystem::path config() const { return path / "config.yaml"; }
  std::filesystem::path supernet() const { return path / "supernet.safetensors"; }
  std::filesystem::path model() const { return path / "model.safetensors"; }
  std::filesystem::path subnets() const { return path / "subnets"; }
  std::filesystem::path searchCache() const { return path / "search.jsonl"; }

  /// Throws Error when the folder is not a run.
  void check() const;
  ConfigValues values() const { return readConfig(config()); }
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CLI_RUNFOLDER_H
