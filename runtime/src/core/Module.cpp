// Checks and look-ups of the module's tables.
#include "core/Module.h"

#include "support/Error.h"

#include <algorithm>
#include <numeric>

using namespace qfa::rt;

// Embedding and head: one width, one row per piece of the vocabulary, outside the layers.
static bool isVocabularyMatrix(const qfa_module_t &module, const qfa_elastic_t &elastic) {
  return elastic.out == module.vocabulary && module.sites[elastic.site].bit_count == 1 &&
         std::string_view(elastic.name).find(".layers.") == std::string_view::npos;
}

Module::Module(const qfa_module_t &raw) : raw(raw) {
  if (raw.abi_version != QFA_MODULE_ABI_VERSION || raw.struct_size < sizeof(qfa_module_t))
    fail("module tables have version {} and {} bytes, wanted version {} and {} bytes: compile the program again",
         raw.abi_version, raw.struct_size, QFA_MODULE_ABI_VERSION, sizeof(qfa_module_t));
  for (const qfa_kernel_t &kernel : kernels())
    if (!kernel.functions[QFA_ISA_PORTABLE])
      fail("kernel '{}' has no portable version", kernel.name);
  weights.assign(raw.site_count, 0);
  for (const qfa_elastic_t &elastic : elastics())
    if (!isVocabularyMatrix(raw, elastic))
      weights[elastic.site] += elastic.out * elastic.in;
}

const qfa_entry_t *Module::find(std::string_view name) const {
  for (const qfa_entry_t &entry : entries())
    if (name == entry.name)
      return &entry;
  return nullptr;
}

const qfa_entry_t &Module::entry(std::string_view name) const {
  if (const qfa_entry_t *found = find(name))
    return *found;
  fail("program of '{}' was compiled without '{}'", raw.name, name);
}

int64_t Module::bitIndex(int64_t site, int32_t bits) const {
  std::span<const int32_t> set = bitsOf(site);
  auto found = std::find(set.begin(), set.end(), bits);
  if (found == set.end())
    fail("site '{}' has {} bits {}, not {}", raw.sites[site].name, set.size() == 1 ? "only" : "a choice of",
         fmt::join(set, ", "), bits);
  return found - set.begin();
}

Configuration Module::uniform(int32_t bits) const {
  Configuration result(raw.site_count);
  for (int64_t site = 0; site < raw.site_count; ++site)
    result[site] = isFree(site) || weights[site] > 0 ? bitsOf(site)[bitIndex(site, bits)] : bitsOf(site)[0];
  return result;
}

Configuration Module::atMost(int32_t bits) const {
  Configuration result;
  for (int64_t site = 0; site < raw.site_count; ++site) {
    std::span<const int32_t> set = bitsOf(site);
    auto above = std::upper_bound(set.begin(), set.end(), bits);
    result.push_back(above == set.begin() ? set.front() : above[-1]);
  }
  return result;
}

Configuration Module::largest() const {
  Configuration result(raw.site_count);
  for (int64_t site = 0; site < raw.site_count; ++site)
    result[site] = bitsOf(site).back();
  return result;
}

double Module::meanBits(const Configuration &configuration) const {
  if (raw.site_count == 0)
    return isDense() ? 32 : 0;
  double sum = 0, count = 0;
  for (int64_t site = 0; site < raw.site_count; ++site) {
    sum += static_cast<double>(configuration[site]) * weights[site];
    count += weights[site];
  }
  return count > 0 ? sum / count : configuration[0];
}

int64_t Module::elements(const qfa_parameter_t &parameter) {
  return std::accumulate(parameter.dims, parameter.dims + parameter.rank, int64_t{1}, std::multiplies<>());
}

int64_t Module::elements(const qfa_tensor_t &tensor) {
  return std::accumulate(tensor.dims, tensor.dims + tensor.rank, int64_t{1}, std::multiplies<>());
}

std::string Module::prefix(const qfa_elastic_t &elastic, int32_t bits) {
  return fmt::format("{}.b{}.", elastic.name, bits);
}
