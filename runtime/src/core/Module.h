// The compiled module as the rest of the runtime sees it: the tables of module_abi.h, checked, with names and counts.
#ifndef QFA_RUNTIME_CORE_MODULE_H
#define QFA_RUNTIME_CORE_MODULE_H

#include "qfa/Format/Copies.h"
#include "qfa/Format/Safetensors.h"
#include "qfa/module_abi.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qfa::rt {

/// Bits by site.
using Configuration = std::vector<int32_t>;

class Module {
public:
  /// Throws Error for tables of another version or that contradict themselves.
  explicit Module(const qfa_module_t &raw);

  const qfa_module_t &raw;
  std::span<const qfa_entry_t> entries() const { return {raw.entries, size_t(raw.entry_count)}; }
  std::span<const qfa_kernel_t> kernels() const { return {raw.kernels, size_t(raw.kernel_count)}; }
  std::span<const qfa_parameter_t> parameters() const { return {raw.parameters, size_t(raw.parameter_count)}; }
  std::span<const qfa_site_t> sites() const { return {raw.sites, size_t(raw.site_count)}; }
  std::span<const qfa_elastic_t> elastics() const { return {raw.elastics, size_t(raw.elastic_count)}; }
  std::span<const qfa_trainable_t> trainables() const { return {raw.trainables, size_t(raw.trainable_count)}; }

  bool isTable() const { return raw.mode == QFA_MODE_TABLE; }
  bool isStatic() const { return raw.mode == QFA_MODE_STATIC; }
  bool isDense() const { return raw.mode == QFA_MODE_DENSE; }

  const qfa_entry_t *find(std::string_view entry) const;
  /// Throws Error when the module was compiled without it.
  const qfa_entry_t &entry(std::string_view name) const;

  std::span<const int32_t> bitsOf(int64_t site) const {
    return {raw.sites[site].bits, size_t(raw.sites[site].bit_count)};
  }
  /// Whether the site has a choice.
  bool isFree(int64_t site) const { return raw.sites[site].bit_count > 1; }
  /// Position of `bits` in the site's set; throws Error when it is none of them.
  int64_t bitIndex(int64_t site, int32_t bits) const;
  /// Every free site at `bits`; throws Error when a site lacks it.
  Configuration uniform(int32_t bits) const;
  /// Every site at its largest width that does not exceed `bits`, or at its smallest.
  Configuration atMost(int32_t bits) const;
  /// The only configuration of a module without a choice, and otherwise the one with the most bits.
  Configuration largest() const;
  /// Bits per weight over the layers: embedding and head do not count, they have no choice.
  double meanBits(const Configuration &configuration) const;
  /// Weights that meanBits counts, by site.
  int64_t countedWeights(int64_t site) const { return weights[site]; }

  static int64_t elements(const qfa_parameter_t &parameter);
  static int64_t elements(const qfa_tensor_t &tensor);
  static std::vector<int64_t> shape(const qfa_parameter_t &parameter) {
    return {parameter.dims, parameter.dims + parameter.rank};
  }
  /// Of a resident parameter in runs and subnets.
  static format::DType storedType(const qfa_parameter_t &parameter) {
    return parameter.dtype == QFA_F16 ? format::DType::F16 : format::DType::F32;
  }
  static format::CopyShape shape(const qfa_elastic_t &elastic, int32_t bits) {
    return {elastic.out, elastic.in, elastic.group, bits};
  }
  /// Bytes of a copy's scales, and as many of its zeros.
  static int64_t scaleBytes(const qfa_elastic_t &elastic) {
    return format::scaleCount(elastic.out, elastic.in, elastic.group) * (elastic.scale_dtype == QFA_F16 ? 2 : 4);
  }
  static int64_t codeBytes(const qfa_elastic_t &elastic, int32_t bits) {
    return format::codesWords(elastic.out, elastic.in, bits) * 4;
  }
  static int64_t copyBytes(const qfa_elastic_t &elastic, int32_t bits) {
    return codeBytes(elastic, bits) + 2 * scaleBytes(elastic);
  }
  /// Prefix of the names of a copy's tensors, "<linear>.b<bits>.".
  static std::string prefix(const qfa_elastic_t &elastic, int32_t bits);

private:
  std::vector<int64_t> weights;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_MODULE_H
