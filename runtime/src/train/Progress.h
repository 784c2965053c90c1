// What a run says while it runs: one live line on a terminal, plain lines otherwise, and metrics.jsonl always.
#ifndef QFA_RUNTIME_TRAIN_PROGRESS_H
#define QFA_RUNTIME_TRAIN_PROGRESS_H

#include "support/Error.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace qfa::rt {

/// 3:07 or 1:02:45.
std::string clockText(double seconds);

class LiveLine {
public:
  LiveLine();
  ~LiveLine() { end(); }
  /// Shows a line, at most a few times a second; `last` shows it in any case.
  void show(const std::string &line, bool last = false);
  /// Ends the live line, so that other output begins on its own line.
  void end();

private:
  bool terminal, open = false;
  double shown = 0;
};

/// The disk is full, say; the training itself is sound.
struct UnwrittenMetrics : Error {
  using Error::Error;
};

class MetricsFile {
public:
  /// Opens for appending; lines of steps from `nextStep` on, which a resumed run does again, are dropped.
  MetricsFile(const std::filesystem::path &path, int64_t nextStep);
  ~MetricsFile();
  MetricsFile(const MetricsFile &) = delete;
  /// Throws UnwrittenMetrics.
  void write(const nlohmann::json &line);

private:
  std::string name;
  std::FILE *file;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TRAIN_PROGRESS_H
