// Configuration files of runs, in YAML.
#include "cli/RunFolder.h"

#include "support/Error.h"
#include "support/Files.h"

#include <algorithm>
#include <yaml-cpp/yaml.h>

using namespace qfa::rt;
namespace fs = std::filesystem;

ConfigValues qfa::rt::readConfig(const fs::path &path) {
  YAML::Node root;
  try {
    root = YAML::Load(readTextFile(path));
  } catch (const YAML::Exception &error) {
    fail("{}:{}: {}", path.string(), error.mark.line + 1, error.msg);
  }
  if (!root.IsMap())
    fail("{}: wanted a map of options", path.string());
  ConfigValues values;
  for (const auto &item : root) {
    auto &list = values[item.first.as<std::string>()];
    if (item.second.IsScalar())
      list.push_back(item.second.as<std::string>());
    else if (item.second.IsSequence() && std::all_of(item.second.begin(), item.second.end(),
                                                     [](const YAML::Node &node) { return node.IsScalar(); }))
      list = item.second.as<std::vector<std::string>>();
    else if (!item.second.IsNull())
      fail("{}: option '{}' is a map, wanted a value or a list", path.string(), item.first.as<std::string>());
  }
  return values;
}

void qfa::rt::writeConfig(const fs::path &path, const ConfigValues &values) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  for (const auto &[key, list] : values) {
    out << YAML::Key << key << YAML::Value;
    if (list.size() == 1)
      out << list.front();
    else
      out << YAML::Flow << list;
  }
  out << YAML::EndMap;
  writeTextFile(path, std::string(out.c_str()) + "\n");
}

// The value of an option as it stands in arguments, `--name value` or `--name=value`.
static const std::string *findArgument(const std::vector<std::string> &arguments, const std::string &name,
                                       std::string &value) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].starts_with("--" + name + "="))
      return &(value = arguments[i].substr(name.size() + 3));
    if (arguments[i] == "--" + name)
      return &(value = i + 1 < arguments.size() ? arguments[i + 1] : "");
  }
  return nullptr;
}

std::vector<std::string> qfa::rt::withConfig(std::vector<std::string> arguments,
                                             const std::vector<std::string> &known) {
  std::string value, out;
  std::vector<std::pair<std::string, bool>> files; // and whether each was named by the user
  if (findArgument(arguments, "config", value))
    files.emplace_back(value, true);
  else if (findArgument(arguments, "resume", value) && findArgument(arguments, "out", out))
    files.emplace_back((fs::path(out) / "config.yaml").string(), false);
  std::vector<std::string> result;
  for (const auto &[file, named] : files) {
    if (!named && !fs::exists(file))
      continue;
    for (const auto &[name, list] : readConfig(file)) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        fail("{}: unknown option '{}'", file, name);
      if (findArgument(arguments, name, value))
        continue;
      for (const std::string &each : list)
        result.push_back("--" + name + "=" + each);
    }
  }
  result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

void RunFolder::check() const {
  if (!fs::exists(config()))
    fail("'{}' is not a run: it holds no config.yaml", path.string());
}
