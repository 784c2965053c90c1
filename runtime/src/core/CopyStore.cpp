// Copies: making them block by block, writing and mapping them.
#include "core/CopyStore.h"

#include "qfa/Format/Numbers.h"
#include "support/Error.h"

#include <algorithm>

using namespace qfa::rt;
namespace format = qfa::format;
using qfa::format::CopyShape;
using qfa::format::DType;
using qfa::format::rowsPerBlock;
using qfa::format::SafetensorsReader;

static constexpr const char *optionsKey = "qfa.supernet_options";
static constexpr int64_t widthsPerSite = 4;

namespace {

struct Copy {
  explicit Copy(const CopyShape &shape)
      : codes(format::codesWords(shape.out, shape.in, shape.bits) * sizeof(uint32_t)),
        scales(floats(format::scaleCount(shape.out, shape.in, shape.group))), zeros(floats(scales.size() / 4)) {}
  Memory codes, scales, zeros;
};

} // namespace

// Blocks are rounded as matrices of 32 rows of their own, so that the weight is never whole in memory.
static Copy makeCopy(const Module &module, int64_t index, int32_t bits, const Weights &weights, ThreadPool &pool) {
  const qfa_elastic_t &elastic = module.raw.elastics[index];
  const qfa_parameter_t &parameter = module.raw.parameters[elastic.parameter];
  const format::TensorView &weight = weights.find(parameter);
  CopyShape shape = Module::shape(elastic, bits);
  Copy copy(shape);
  int64_t blockFloats = rowsPerBlock * shape.in;
  std::vector<Memory> rows(pool.threadCount());
  std::atomic<bool> finite = true;
  for (Memory &memory : rows)
    memory = floats(blockFloats);
  pool.parallelFor(shape.blocks(), [&](int64_t begin, int64_t end, int thread) {
    float *values = rows[thread].as<float>();
    for (int64_t block = begin; block < end; ++block) {
      CopyShape part = shape;
      part.out = std::min(rowsPerBlock, shape.out - block * rowsPerBlock);
      SafetensorsReader::readFloats(weight, block * blockFloats, part.out * shape.in, values);
      if (!format::allFinite(values, part.out * shape.in))
        finite = false;
      int64_t scale = block * shape.groups() * rowsPerBlock;
      format::roundToNearest(values, part, 0, 1, copy.codes.as<uint32_t>() + block * shape.in * bits,
                             copy.scales.as<float>() + scale, copy.zeros.as<float>() + scale);
    }
  });
  if (!finite)
    fail("{}: weight '{}' holds a NaN or an infinity", weights.path(), parameter.name);
  return copy;
}

CopyStore::CopyStore(const Module &module, const std::string &file)
    : module(module), mapped(file), views(module.elastics().size() * widthsPerSite) {}

CopyStore::CopyStore(const Module &module, const Weights &weights, ThreadPool &pool)
    : module(module), source(&weights), pool(&pool), views(module.elastics().size() * widthsPerSite) {}

void CopyStore::readFile(int64_t index, int64_t bitIndex, CopyView &view) const {
  const qfa_elastic_t &elastic = module.raw.elastics[index];
  int32_t bits = module.bitsOf(elastic.site)[bitIndex];
  CopyShape shape = Module::shape(elastic, bits);
  std::string prefix = Module::prefix(elastic, bits), error;
  auto get = [&](const char *what, DType type, const std::vector<int64_t> &dims) {
    const format::TensorView *found = mapped->reader().get(prefix + what, type, dims, error);
    if (!found)
      throw Error(error);
    return found->data;
  };
  DType scaleType = elastic.scale_dtype == QFA_F16 ? DType::F16 : DType::F32;
  view.codes = reinterpret_cast<const uint32_t *>(get("codes", DType::U32, {shape.blocks(), shape.in, bits}));
  view.scales = get("scales", scaleType, {shape.blocks(), shape.groups(), rowsPerBlock});
  view.zeros = get("zeros", scaleType, {shape.blocks(), shape.groups(), rowsPerBlock});
}

CopyView CopyStore::get(int64_t elastic, int64_t bitIndex) {
  CopyView &view = views[elastic * widthsPerSite + bitIndex];
  if (view.codes)
    return view;
  if (mapped) {
    readFile(elastic, bitIndex, view);
    return view;
  }
  if (module.raw.elastics[elastic].scale_dtype != QFA_F32)
    fail("copies of '{}' have float16 scales, rounding makes float32 ones", module.raw.elastics[elastic].name);
  int32_t bits = module.bitsOf(module.raw.elastics[elastic].site)[bitIndex];
  Copy copy = makeCopy(module, elastic, bits, *source, *pool);
  view = {copy.codes.as<uint32_t>(), copy.scales.data(), copy.zeros.data()};
  for (Memory *memory : {&copy.codes, &copy.scales, &copy.zeros})
    owned.push_back(std::move(*memory));
  return view;
}

static bool writeParameter(const qfa_parameter_t &parameter, const Memory &values, format::SafetensorsWriter &writer,
                           std::string &error) {
  int64_t count = Module::elements(parameter);
  if (parameter.dtype != QFA_F16)
    return writer.write(parameter.name, values.data(), count * sizeof(float), error);
  std::vector<uint16_t> halves(count);
  std::transform(values.as<float>(), values.as<float>() + count, halves.begin(), format::floatToHalf);
  return writer.write(parameter.name, halves.data(), halves.size() * sizeof(uint16_t), error);
}

void qfa::rt::writeSupernet(const Module &module, const Weights &weights, ThreadPool &pool, const std::string &file) {
  format::SafetensorsWriter writer;
  std::string error;
  auto check = [&](bool done) {
    if (!done)
      throw Error(error);
  };
  if (module.raw.supernet_options)
    writer.setMetadata(optionsKey, module.raw.supernet_options);
  for (const qfa_elastic_t &elastic : module.elastics())
    for (int32_t bits : module.bitsOf(elastic.site)) {
      CopyShape shape = Module::shape(elastic, bits);
      std::string prefix = Module::prefix(elastic, bits);
      writer.declare(prefix + "codes", DType::U32, {shape.blocks(), shape.in, bits});
      for (const char *what : {"scales", "zeros"})
        writer.declare(prefix + what, DType::F32, {shape.blocks(), shape.groups(), rowsPerBlock});
    }
  // What stays floating-point comes along: a subnet is taken out of the run alone.
  for (const qfa_parameter_t &parameter : module.parameters())
    if (parameter.resident)
      writer.declare(parameter.name, Module::storedType(parameter), Module::shape(parameter));
  check(writer.open(file, error));
  for (const qfa_parameter_t &parameter : module.parameters())
    if (parameter.resident) {
      check(writeParameter(parameter, weights.load(parameter, pool), writer, error));
    }
  for (int64_t index = 0; index < module.raw.elastic_count; ++index) {
    const qfa_elastic_t &elastic = module.raw.elastics[index];
    for (int32_t bits : module.bitsOf(elastic.site)) {
      Copy copy = makeCopy(module, index, bits, weights, pool);
      std::string prefix = Module::prefix(elastic, bits);
      check(writer.write(prefix + "codes", copy.codes.data(), copy.codes.size(), error) &&
            writer.write(prefix + "scales", copy.scales.data(), copy.scales.size(), error) &&
            writer.write(prefix + "zeros", copy.zeros.data(), copy.zeros.size(), error));
    }
  }
  check(writer.finish(error));
}

void qfa::rt::checkSupernet(const Module &module, const std::string &file) {
  Weights copies(file);
  const auto &notes = copies.reader().metadata();
  auto found = notes.find(optionsKey);
  std::string wanted = module.raw.supernet_options ? module.raw.supernet_options : "";
  std::string options = found == notes.end() ? "" : found->second;
  if (options != wanted)
    fail("{}: made for a supernet with options '{}', this program has '{}'", file, options, wanted);
}
