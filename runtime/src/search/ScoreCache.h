// Scores of configurations in a file, so that a search can be interrupted and repeated.
#ifndef QFA_RUNTIME_SEARCH_SCORECACHE_H
#define QFA_RUNTIME_SEARCH_SCORECACHE_H

#include "core/Module.h"

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

namespace qfa::rt {

class ScoreCache {
public:
  /// key: what the scores depend on besides the configuration. Other keys' scores stay in the file and are not used;
  /// a line that a killed process left unfinished is passed over.
  ScoreCache(const std::filesystem::path &path, std::string key);
  ~ScoreCache();
  ScoreCache(const ScoreCache &) = delete;

  std::optional<double> find(const Configuration &configuration) const;
  void add(const Configuration &configuration, double loss);
  size_t size() const { return scores.size(); }

private:
  std::string key;
  std::map<Configuration, double> scores;
  std::string name;
  std::FILE *file;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_SEARCH_SCORECACHE_H
