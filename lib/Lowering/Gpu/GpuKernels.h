// The families of GPU kernels, one file each, and the plan that each fills: functions, launches, workspace.
#ifndef QFA_LIB_LOWERING_GPU_GPUKERNELS_H
#define QFA_LIB_LOWERING_GPU_GPUKERNELS_H

#include "../Common/Sizes.h"
#include "GpuBuilder.h"

#include "qfa/Support/GpuArch.h"

namespace qfa {

// What the factors of matrix products are rounded to. f32 is for tests: the same kernels, so that whatever differs
// from the CPU by more than rounding is a fault.
enum class Precision { f32, bf16 };
inline mlir::Type factorType(mlir::Builder &b, Precision precision) {
  return precision == Precision::bf16 ? mlir::Type(b.getBF16Type()) : mlir::Type(b.getF32Type());
}
inline int64_t factorBytes(Precision precision) { return precision == Precision::bf16 ? 2 : 4; }
inline Precision precisionOf(llvm::StringRef name) { return name == "f32" ? Precision::f32 : Precision::bf16; }

// What code is made for.
struct Card {
  GpuArch arch;
  int64_t multiprocessors = 0; // 0: as many as cards of the architecture have
};
int64_t dynamicLimit(int arch); // bytes of shared memory that a block can have on all cards for which code of arch is

struct Grid {
  int64_t x = 1, y = 1, z = 1;
};

// A product of factors in the workspace, as qfa.gpu_product states it.
struct GpuProduct {
  struct Factor {
    int64_t offset, stride; // bytes, elements
    bool transposed;
  };
  int64_t m, n, k;
  Factor left, right;
  int64_t result, addend; // pointers; addend -1: none
  int64_t offset, stride; // floats
  double scale;
};

constexpr int64_t kThreads = 256; // of functions that have no reason for another number
inline int64_t blocksFor(int64_t n, int64_t threads = kThreads) { return ceilDiv(n, threads); }

// What a kernel becomes. Launches run in the order in which they are added.
class GpuPlan {
public:
  GpuPlan(KernelOp kernel, mlir::gpu::GPUModuleOp into, Precision precision, Card card)
      : precision(precision), card(card), kernel(kernel), into(into) {}

  const Precision precision;
  const Card card;

  using Emit = llvm::function_ref<void(GpuBuilder &)>;
  // A function <kernel>__<part> of the kernel; its name.
  std::string function(llvm::StringRef part, int64_t threads, Emit emit);
  struct Launch {
    std::string function;
    Grid grid;
    int64_t threads, argument = 0, sharedBytes = 0;
    bool early = false;
    llvm::SmallVector<GpuProduct> products = {}; // what it computes; empty: more than products
  };
  void launch(llvm::StringRef function, Grid grid, int64_t threads, int64_t argument = 0);
  void launch(Launch launch, int64_t argument = 0);
  // A function that is launched once.
  void run(llvm::StringRef part, Grid grid, int64_t threads, Emit emit) {
    launch(function(part, threads, emit), grid, threads);
  }
  // One that reads weights only and writes the workspace only: it need not wait for the kernel before.
  void runEarly(llvm::StringRef part, Grid grid, int64_t threads, Emit emit) {
    run(part, grid, threads, emit);
    launches.back().early = true;
  }
  // Offset of so many bytes of workspace, 256-byte aligned.
  int64_t workspace(int64_t bytes);

  // Of an operand or result of the kernel, as GpuProduct counts them.
  int64_t pointer(mlir::Value value) const { return pointerIndex(kernel, value); }
  int64_t workspacePointer();

  llvm::SmallVector<Launch> launches;
  int64_t workspaceBytes = 0;
  std::string error; // why the plan cannot be carried out; empty: it can

private:
  KernelOp kernel;
  mlir::gpu::GPUModuleOp into;
  llvm::StringMap<int64_t> dynamicBytes; // of shared memory, by function
};

// The plan of the kernels of one op. An entry for qfa.kernel itself serves bodies of elementwise ops and is given the
// kernel.
struct GpuKernel {
  llvm::StringRef op;
  void (*plan)(mlir::Operation *, GpuPlan &);
};

llvm::ArrayRef<GpuKernel> gpuAttentionGradKernels();
llvm::ArrayRef<GpuKernel> gpuAttentionKernels();
llvm::ArrayRef<GpuKernel> gpuCrossEntropyKernels();
llvm::ArrayRef<GpuKernel> gpuElementKernels();
llvm::ArrayRef<GpuKernel> gpuEmbeddingKernels();
llvm::ArrayRef<GpuKernel> gpuLinearKernels();
llvm::ArrayRef<GpuKernel> gpuNormKernels();
llvm::ArrayRef<GpuKernel> gpuOptimizerKernels();
llvm::ArrayRef<GpuKernel> gpuPoolKernels();
llvm::ArrayRef<GpuKernel> gpuRopeKernels();

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GPUKERNELS_H
