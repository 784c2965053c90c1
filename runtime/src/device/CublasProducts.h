// Matrix products of launches by cuBLASLt in place of the generated functions.
#ifndef QFA_RUNTIME_DEVICE_CUBLASPRODUCTS_H
#define QFA_RUNTIME_DEVICE_CUBLASPRODUCTS_H

#include "device/CublasLt.h"
#include "qfa/module_abi.h"

#include <map>
#include <optional>
#include <span>
#include <tuple>

namespace qfa::rt {

class CublasProducts {
public:
  /// Of the current context. isRounded: factors are bf16, else f32. Throws Error when the library cannot work here.
  CublasProducts(const CublasLt &library, bool isRounded);
  ~CublasProducts();
  CublasProducts(const CublasProducts &) = delete;

  /// Device memory of this size that only products of one stream use. NVIDIA's advice for sm_90; older cards need less.
  static constexpr uint64_t workspaceBytes = 32 << 20;
  void setWorkspace(void *memory) { workspace = memory; }

  /// Queues all that the launch computes. pointers: the kernel's, then the workspace. False, with nothing queued, where
  /// the launch is more than products, or the library has no algorithm for one of them.
  bool run(const qfa_gpu_launch_t &launch, std::span<void *const> pointers, cuda::Stream stream);

  std::string describe() const { return "cuBLASLt " + library.version(); }

private:
  // A product made ready. Row by row as we store matrices is column by column of the transposed ones, as the library
  // does: result^T = right left^T.
  struct Plan {
    cublas::Description description = nullptr;
    cublas::Layout right = nullptr, left = nullptr, result = nullptr;
    std::optional<cublas::Algorithm> algorithm; // none: the library has none
  };
  struct Operands {
    const void *right, *left, *addend; // addend: the result where there is none
    void *result;
  };

  Operands operandsOf(const qfa_gpu_product_t &product, std::span<void *const> pointers) const;
  const Plan &planOf(const qfa_gpu_product_t &product, const Operands &operands);
  void choose(Plan &plan, const Operands &operands);
  void multiply(const qfa_gpu_product_t &product, const Plan &plan, const Operands &operands, cuda::Stream stream);

  CublasLt library;
  const bool isRounded;
  cublas::Handle handle = nullptr;
  void *workspace = nullptr;
  // Algorithms depend on what addresses are multiples of: of result and addend, which differ from launch to launch.
  std::map<std::tuple<const qfa_gpu_product_t *, uint32_t, uint32_t>, Plan> plans;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_CUBLASPRODUCTS_H
