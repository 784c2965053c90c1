// Writing, finding and reading of checkpoints.
#include "train/Checkpoint.h"

#include "qfa/Format/Safetensors.h"
#include "support/Error.h"
#include "support/Files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

using namespace qfa::rt;
using nlohmann::json;
using qfa::format::DType;
using qfa::format::SafetensorsReader;
using qfa::format::SafetensorsWriter;
namespace fs = std::filesystem;

static constexpr const char *optimizerFile = "optimizer.safetensors", *stateFile = "state.json", *asideSuffix = ".tmp";

// A checkpoint whose files are damaged, as opposed to one that belongs to something else.
namespace {
struct Damaged : Error {
  using Error::Error;
};
} // namespace

Checkpoints::Checkpoints(fs::path run, bool dense)
    : root(run / "checkpoints"), valuesFile(dense ? "parameters.safetensors" : "adapters.safetensors") {}

fs::path Checkpoints::folder(int64_t step) const { return root / fmt::format("{:06}", step); }

void Checkpoints::clean() const {
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(root, ignored))
    if (entry.path().extension() == asideSuffix)
      fs::remove_all(entry.path(), ignored);
}

std::vector<int64_t> Checkpoints::steps() const {
  std::vector<int64_t> result;
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(root, ignored)) {
    std::string name = entry.path().filename().string();
    int64_t step;
    auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (code == std::errc() && end == name.data() + name.size())
      result.push_back(step);
  }
  std::sort(result.begin(), result.end());
  return result;
}

static void check(bool done, const std::string &error) {
  if (!done)
    throw Error(error);
}

void Checkpoints::writeTensors(const fs::path &folder, const std::vector<TensorState> &tensors) const {
  SafetensorsWriter values, optimizer;
  std::string error;
  for (const TensorState &tensor : tensors) {
    values.declare(tensor.name, DType::F32, tensor.shape);
    optimizer.declare(tensor.name + ".m", DType::F32, tensor.shape);
    optimizer.declare(tensor.name + ".v", DType::F32, tensor.shape);
  }
  check(values.open((folder / valuesFile).string(), error), error);
  check(optimizer.open((folder / optimizerFile).string(), error), error);
  for (const TensorState &tensor : tensors) {
    uint64_t bytes = tensor.elements * sizeof(float);
    check(values.write(tensor.name, tensor.value, bytes, error), error);
    check(optimizer.write(tensor.name + ".m", tensor.m, bytes, error), error);
    check(optimizer.write(tensor.name + ".v", tensor.v, bytes, error), error);
  }
  check(values.finish(error), error);
  check(optimizer.finish(error), error);
}

void Checkpoints::write(const TrainingState &state, const std::vector<TensorState> &tensors, int64_t keep) const {
  fs::path target = folder(state.step), aside = root / ("." + target.filename().string() + asideSuffix);
  std::error_code ignored;
  try {
    fs::remove_all(aside, ignored);
    fs::create_directories(aside);
    writeTensors(aside, tensors);
    json content = {{"step", state.step},       {"tokens", state.tokens},   {"skipped", state.skipped},
                    {"seconds", state.seconds}, {"options", state.options}, {"updates", json::object()}};
    for (const TensorState &tensor : tensors)
      content["updates"][tensor.name] = tensor.steps;
    for (const char *file : {valuesFile, optimizerFile})
      content["xxh3"][file] = checksumOf(aside / file);
    writeTextFile(aside / stateFile, content.dump(1) + "\n");
    syncFolder(aside);
    fs::remove_all(target, ignored); // of the same step, so the same or damaged
    if (std::rename(aside.c_str(), target.c_str()) != 0)
      fail("cannot write '{}': {}", target.string(), std::strerror(errno));
    syncFolder(root);
  } catch (const std::exception &error) {
    fs::remove_all(aside, ignored);
    std::vector<int64_t> left = steps();
    fail("checkpoint of step {} is not written: {}; {}", state.step, error.what(),
         left.empty() ? "there is none before it"
                      : fmt::format("the last good one is '{}'", folder(left.back()).string()));
  }
  std::vector<int64_t> all = steps();
  for (size_t i = 0; i + keep < all.size(); ++i)
    if (all[i] != state.step)
      fs::remove_all(folder(all[i]), ignored);
}

static void readTensor(const SafetensorsReader &file, const std::string &name, const TrainedTensor &tensor,
                       float *result) {
  std::string error;
  const qfa::format::TensorView *view = file.get(name, DType::F32, tensor.shape, error);
  check(view, error);
  std::memcpy(result, view->data, view->bytes);
}

TrainingState Checkpoints::read(int64_t step, TrainedTensors &tensors, bool withOptimizer) const {
  fs::path from = folder(step);
  json content;
  SafetensorsReader values, optimizer;
  std::string error;
  try {
    content = json::parse(readTextFile(from / stateFile));
    for (const char *file : {valuesFile, optimizerFile})
      if (std::string found = checksumOf(from / file), wanted = content.at("xxh3").at(file); found != wanted)
        fail("'{}' has checksum {}, wanted {}", (from / file).string(), found, wanted);
    check(values.open((from / valuesFile).string(), error) && optimizer.open((from / optimizerFile).string(), error),
          error);
  } catch (const std::exception &reason) {
    throw Damaged(reason.what());
  }
  for (const format::TensorView &view : values.tensors()) {
    TrainedTensor *tensor = tensors.find(view.name);
    if (!tensor)
      fail("{}: this program has no tensor '{}'; the run belongs to another one", from.string(), view.name);
    readTensor(values, view.name, *tensor, tensor->value);
    if (!withOptimizer)
      continue;
    TrainedTensors::beginUpdate(*tensor);
    readTensor(optimizer, view.name + ".m", *tensor, tensor->m.as<float>());
    readTensor(optimizer, view.name + ".v", *tensor, tensor->v.as<float>());
    tensor->steps = content.at("updates").at(view.name);
  }
  return {content.at("step"), content.at("tokens"), content.at("skipped"), content.at("seconds"),
          content.at("options")};
}

std::optional<TrainingState> Checkpoints::load(TrainedTensors &tensors, bool withOptimizer) const {
  std::vector<int64_t> all = steps();
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    try {
      return read(*step, tensors, withOptimizer);
    } catch (const Damaged &reason) {
      fmt::print(stderr, "warning: checkpoint '{}' is damaged, trying an older one: {}\n", folder(*step).string(),
                 reason.what());
    }
  }
  if (!all.empty())
    fail("no whole checkpoint in '{}'", root.string());
  return std::nullopt;
}
