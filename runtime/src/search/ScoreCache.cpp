// One line of JSON per score.
#include "search/ScoreCache.h"

#include "support/Error.h"
#include "support/Files.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace qfa::rt;
using nlohmann::json;

ScoreCache::ScoreCache(const std::filesystem::path &path, std::string key) : key(std::move(key)), name(path.string()) {
  bool cutOff = false; // a line without its end
  if (std::filesystem::exists(path)) {
    std::string text = readTextFile(path);
    cutOff = !text.empty() && text.back() != '\n';
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      json entry = json::parse(line, nullptr, false);
      if (!entry.is_object() || entry.value("key", "") != this->key)
        continue;
      const json &loss = entry["loss"]; // null where it was not a number
      scores[entry["bits"].get<Configuration>()] = loss.is_number() ? loss.get<double>() : INFINITY;
    }
  }
  file = std::fopen(path.c_str(), "ae");
  if (!file)
    fail("cannot write '{}': {}", name, std::strerror(errno));
  if (cutOff)
    std::fputc('\n', file);
}

ScoreCache::~ScoreCache() { std::fclose(file); }

std::optional<double> ScoreCache::find(const Configuration &configuration) const {
  auto found = scores.find(configuration);
  return found == scores.end() ? std::nullopt : std::optional(found->second);
}

void ScoreCache::add(const Configuration &configuration, double loss) {
  scores[configuration] = loss;
  json value = std::isfinite(loss) ? json(loss) : json();
  fmt::print(file, "{}\n", json{{"bits", configuration}, {"loss", value}, {"key", key}}.dump());
  if (std::fflush(file) != 0)
    fail("cannot write '{}': {}", name, std::strerror(errno));
}
