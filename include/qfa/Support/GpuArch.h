// Architectures of NVIDIA GPUs, as --gpu-arch and the tools of CUDA name them: 80, 90a.
#ifndef QFA_SUPPORT_GPUARCH_H
#define QFA_SUPPORT_GPUARCH_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace qfa {

struct GpuArch {
  int number = 80;
  char feature = 0; // 'a': code that no other architecture runs, 'f': none of another family; 0: later ones may as well

  std::string text() const { return std::to_string(number) + (feature ? std::string(1, feature) : ""); }
  auto operator<=>(const GpuArch &) const = default;
};

// 80 or more. Nothing for other text.
inline std::optional<GpuArch> parseGpuArch(llvm::StringRef text) {
  GpuArch arch;
  text = text.trim();
  if (text.ends_with("a") || text.ends_with("f")) {
    arch.feature = text.back();
    text = text.drop_back();
  }
  if (text.getAsInteger(10, arch.number) || arch.number < 80)
    return std::nullopt;
  return arch;
}

} // namespace qfa

#endif // QFA_SUPPORT_GPUARCH_H
