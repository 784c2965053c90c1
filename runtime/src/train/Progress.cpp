// The live line and the metrics file.
#include "train/Progress.h"

#include "support/Error.h"
#include "support/Files.h"
#include "support/Usage.h"

#include <cerrno>
#include <cstring>
#include <sstream>
#include <unistd.h>

using namespace qfa::rt;

std::string qfa::rt::clockText(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

LiveLine::LiveLine() : terminal(isatty(STDERR_FILENO)) {}

void LiveLine::show(const std::string &line, bool last) {
  double now = wallSeconds(), pause = terminal ? 0.2 : 10;
  if (!last && shown != 0 && now - shown < pause)
    return;
  shown = now;
  fmt::print(stderr, "{}{}{}", terminal ? "\r\033[K" : "", line, terminal ? "" : "\n");
  std::fflush(stderr);
  open = terminal;
}

void LiveLine::end() {
  if (open)
    fmt::print(stderr, "\n");
  open = false;
}

MetricsFile::MetricsFile(const std::filesystem::path &path, int64_t nextStep) : name(path.string()) {
  if (std::filesystem::is_regular_file(path)) { // a device has nothing to keep
    std::istringstream old(readTextFile(path));
    std::string kept, line;
    while (std::getline(old, line)) {
      auto entry = nlohmann::json::parse(line, nullptr, false);
      if (entry.is_object() && entry.value("step", int64_t{0}) < nextStep)
        kept += line + "\n";
    }
    writeTextFile(path, kept);
  }
  file = std::fopen(path.c_str(), "ae");
  if (!file)
    fail("cannot write '{}': {}", name, std::strerror(errno));
}

MetricsFile::~MetricsFile() { std::fclose(file); }

void MetricsFile::write(const nlohmann::json &line) {
  fmt::print(file, "{}\n", line.dump());
  if (std::fflush(file) != 0)
    throw UnwrittenMetrics(fmt::format("cannot write '{}': {}", name, std::strerror(errno)));
}
