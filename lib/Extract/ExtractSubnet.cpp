// Takes a subnet's weights out of a trained run: chosen copies, adapters merged into their zeros, everything else left
// behind.
#include "qfa/Extract/ExtractSubnet.h"

#include "qfa/Format/Copies.h"
#include "qfa/Format/Numbers.h"
#include "qfa/Format/Safetensors.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"
#include <cmath>
#include <map>

using namespace mlir;
using namespace qfa;
using format::DType;

namespace {

std::string joinPath(StringRef a, StringRef b) {
  SmallString<128> path(a);
  llvm::sys::path::append(path, b);
  return path.str().str();
}

// Whether the adapters of a checkpoint are those that were written.
bool isWhole(StringRef checkpoint, std::string &error) {
  std::string stateFile = joinPath(checkpoint, "state.json"), adapters = joinPath(checkpoint, "adapters.safetensors");
  auto text = llvm::MemoryBuffer::getFile(stateFile), bytes = llvm::MemoryBuffer::getFile(adapters, false, false);
  if (!text || !bytes) {
    error = (text ? adapters : stateFile) + ": " + (text ? bytes : text).getError().message();
    return false;
  }
  auto state = llvm::json::parse((*text)->getBuffer());
  if (!state) {
    error = stateFile + ": " + llvm::toString(state.takeError());
    return false;
  }
  const llvm::json::Object *object = state->getAsObject(), *sums = object ? object->getObject("xxh3") : nullptr;
  std::optional<StringRef> wanted = sums ? sums->getString("adapters.safetensors") : std::nullopt;
  std::string found = llvm::formatv("{0:x-16}", llvm::xxh3_64bits((*bytes)->getBuffer())).str();
  if (wanted && *wanted == found)
    return true;
  error = adapters + " has checksum " + found + ", wanted " + wanted.value_or("none").str();
  return false;
}

// Checkpoints are named by their step, six digits or more; the newest is the whole one with the highest step.
FailureOr<std::string> newestAdapters(StringRef run, Location loc) {
  std::string folder = joinPath(run, "checkpoints"), error;
  std::error_code code;
  std::map<uint64_t, std::string, std::greater<>> checkpoints;
  for (llvm::sys::fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    uint64_t step;
    if (!llvm::sys::path::filename(it->path()).getAsInteger(10, step))
      checkpoints[step] = it->path();
  }
  for (const auto &[step, path] : checkpoints) {
    if (isWhole(path, error))
      return joinPath(path, "adapters.safetensors");
    emitWarning(loc, "checkpoint '") << path << "' is damaged, trying an older one: " << error;
  }
  return emitError(loc, "run '") << run << "' holds no whole checkpoint in '" << folder << "'";
}

class SubnetWriter {
public:
  SubnetWriter(ModuleOp module, SubnetReport &report) : module(module), report(report) {}

  LogicalResult open(StringRef run) {
    auto adapterPath = newestAdapters(run, module.getLoc());
    if (failed(adapterPath))
      return failure();
    std::string error;
    if (!copies.open(joinPath(run, "supernet.safetensors"), error) || !adapters.open(*adapterPath, error))
      return emitError(module.getLoc()) << error;
    return success();
  }

  LogicalResult write(StringRef output) {
    declare();
    std::string error;
    if (!writer.open(output.str(), error))
      return emitError(module.getLoc()) << error;
    for (auto elastic : module.getOps<ElasticOp>())
      if (failed(writeElastic(elastic)))
        return failure();
    for (ParameterOp parameter : resident)
      if (failed(writeParameter(parameter)))
        return failure();
    if (!writer.finish(error))
      return emitError(module.getLoc()) << error;
    if (std::error_code code = llvm::sys::fs::file_size(output, report.bytes))
      return emitError(module.getLoc(), "cannot read the size of '") << output << "': " << code.message();
    return success();
  }

private:
  static std::string prefix(ElasticOp elastic) {
    return (elastic.getSymName() + ".b" + Twine(cast<ElasticType>(elastic.getType()).getBits()[0]) + ".").str();
  }
  static DType scaleType(ElasticType type) { return type.getScales().isF16() ? DType::F16 : DType::F32; }
  // Runs hold parameters as subnets do.
  static DType typeOf(ParameterOp parameter) { return parameter.getRounded() ? DType::F16 : DType::F32; }
  static format::CopyShape shapeOf(ElasticType type) {
    return {type.getOut(), type.getIn(), type.getGroup(), static_cast<int>(type.getBits()[0])};
  }

  void declare() {
    for (auto elastic : module.getOps<ElasticOp>()) {
      auto type = cast<ElasticType>(elastic.getType());
      format::CopyShape shape = shapeOf(type);
      writer.declare(prefix(elastic) + "codes", DType::U32, {shape.blocks(), shape.in, shape.bits});
      writer.declare(prefix(elastic) + "scales", scaleType(type),
                     {shape.blocks(), shape.groups(), format::rowsPerBlock});
      writer.declare(prefix(elastic) + "zeros", scaleType(type),
                     {shape.blocks(), shape.groups(), format::rowsPerBlock});
    }
    llvm::StringSet<> read;
    module.walk([&](WeightOp weight) { read.insert(weight.getParameter()); });
    for (auto parameter : module.getOps<ParameterOp>())
      if (read.contains(parameter.getSymName())) {
        resident.push_back(parameter);
        writer.declare(parameter.getSymName().str(), typeOf(parameter),
                       std::vector<int64_t>(cast<RankedTensorType>(parameter.getType()).getShape()));
      }
  }

  LogicalResult writeElastic(ElasticOp elastic) {
    auto type = cast<ElasticType>(elastic.getType());
    format::CopyShape shape = shapeOf(type);
    std::string name = prefix(elastic), error;
    std::vector<int64_t> scaleShape = {shape.blocks(), shape.groups(), format::rowsPerBlock};
    const auto *codes = copies.get(name + "codes", DType::U32, {shape.blocks(), shape.in, shape.bits}, error);
    const auto *scales = codes ? copies.get(name + "scales", DType::F32, scaleShape, error) : nullptr;
    const auto *zeros = scales ? copies.get(name + "zeros", DType::F32, scaleShape, error) : nullptr;
    if (!zeros)
      return elastic.emitError("copy cannot be read: ") << error;
    std::vector<float> merged(zeros->as<float>().begin(), zeros->as<float>().end());
    if (failed(merge(elastic, shape, name, merged)))
      return failure();
    if (!writer.write(name + "codes", codes->data, codes->bytes, error) ||
        !writeScales(type, name + "scales", scales->as<float>(), error) ||
        !writeScales(type, name + "zeros", merged, error))
      return elastic.emitError() << error;
    noteRounding(type, scales->as<float>(), merged);
    return success();
  }

  // An adapter that was never sampled has no tensor and a zero product: nothing to merge.
  LogicalResult merge(ElasticOp elastic, const format::CopyShape &shape, const std::string &name,
                      std::vector<float> &zeros) {
    const auto *found = adapters.find(name + "adapter_a");
    if (!found)
      return success();
    if (found->shape.size() != 2)
      return elastic.emitError("adapter '")
             << name << "adapter_a' has " << found->shape.size() << " dimensions, wanted 2";
    int64_t rank = found->shape[0];
    std::string error;
    const auto *a = adapters.get(name + "adapter_a", DType::F32, {rank, shape.groups()}, error);
    const auto *b = a ? adapters.get(name + "adapter_b", DType::F32, {shape.out, rank}, error) : nullptr;
    if (!b)
      return elastic.emitError("adapter cannot be read: ") << error;
    float strength = elastic.getAlpha().convertToFloat() / rank;
    format::mergeAdapter(shape, 0, shape.blocks(), rank, strength, a->as<float>().data(), b->as<float>().data(),
                         zeros.data());
    if (!format::allFinite(zeros.data(), zeros.size()))
      return elastic.emitError("merged zeros of '") << elastic.getSymName() << "' are not finite; the adapter diverged";
    ++report.merged;
    return success();
  }

  bool writeScales(ElasticType type, const std::string &name, std::span<const float> values, std::string &error) {
    if (type.getScales().isF32())
      return writer.write(name, values.data(), values.size_bytes(), error);
    std::vector<uint16_t> halves(values.size());
    std::transform(values.begin(), values.end(), halves.begin(), format::floatToHalf);
    return writer.write(name, halves.data(), halves.size() * 2, error);
  }

  void noteRounding(ElasticType type, std::span<const float> scales, std::span<const float> zeros) {
    if (type.getScales().isF32())
      return;
    for (size_t i = 0; i < zeros.size(); ++i)
      if (scales[i] > 0) {
        double error = std::abs(format::halfToFloat(format::floatToHalf(zeros[i])) - zeros[i]) / scales[i];
        report.largestZeroError = std::max(report.largestZeroError, error);
      }
  }

  LogicalResult writeParameter(ParameterOp parameter) {
    std::string name = parameter.getSymName().str(), error;
    std::vector<int64_t> shape(cast<RankedTensorType>(parameter.getType()).getShape());
    const auto *values = copies.get(name, typeOf(parameter), shape, error);
    if (!values || !writer.write(name, values->data, values->bytes, error))
      return parameter.emitError("weight cannot be copied: ") << error;
    return success();
  }

  ModuleOp module;
  SubnetReport &report;
  format::SafetensorsReader copies, adapters;
  format::SafetensorsWriter writer;
  SmallVector<ParameterOp> resident;
};

} // namespace

LogicalResult qfa::extractSubnet(ModuleOp module, StringRef run, StringRef output, SubnetReport &report) {
  SubnetWriter writer(module, report);
  return failure(failed(writer.open(run)) || failed(writer.write(output)));
}

FailureOr<std::string> qfa::readSupernetOptions(StringRef run, Location loc) {
  format::SafetensorsReader copies;
  std::string error;
  if (!copies.open(joinPath(run, "supernet.safetensors"), error))
    return emitError(loc, "'") << run << "' is not a run: " << error;
  auto options = copies.metadata().find("qfa.supernet_options");
  if (options == copies.metadata().end())
    return emitError(loc, "'")
           << run << "/supernet.safetensors' does not say how its supernet was built (key qfa.supernet_options)";
  return options->second;
}
