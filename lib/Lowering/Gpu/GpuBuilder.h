// What the code of one GPU function is given, and what it can say beyond CodeBuilder: its place in the grid, shared
// memory, barriers, warps.
//
// Pointers to operands, results and workspace are in global memory (address space 1), shared memory is address space 3;
// loads and stores of CodeBuilder serve both. Tensors lie on 64 bytes; buffers (gradients) need not lie on more than 4.
#ifndef QFA_LIB_LOWERING_GPU_GPUBUILDER_H
#define QFA_LIB_LOWERING_GPU_GPUBUILDER_H

#include "../Common/Rows.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace qfa {

constexpr int64_t kWarp = 32;
constexpr int64_t kSharedBytes = 48 * 1024; // static, of a function: more is dynamic and asked of the driver

// Which parameter of a kernel's functions a kernel operand or yielded result is, given as the op's value. Behind them
// all comes the workspace.
int64_t pointerIndex(KernelOp kernel, mlir::Value value);

class GpuBuilder : public CodeBuilder {
public:
  // Creates the function `name` of `kernel` in `into` and stands inside; `finish` ends it.
  GpuBuilder(KernelOp kernel, mlir::gpu::GPUModuleOp into, llvm::StringRef name, int64_t threads);
  void finish();
  // Threads have as many registers as let so many blocks share a multiprocessor.
  void wantBlocks(int32_t perMultiprocessor);

  // Pointers to the memory of a kernel operand or yielded result, given as the op's value.
  mlir::Value operand(mlir::Value value);
  mlir::Value result(mlir::Value value);
  SiteRow site(mlir::Value elastic);
  TrainableRow trainable(mlir::Value value);
  mlir::Value workspace(int64_t bytes); // at this offset, as GpuPlan::workspace gave it
  mlir::Value argument();               // i64, of the launch

  // i64 all of them.
  mlir::Value thread();
  mlir::Value block(int dimension = 0); // of the grid
  mlir::Value warp() { return div(thread(), kWarp); }
  mlir::Value lane() { return rem(thread(), kWarp); }
  const int64_t threads;                     // of a block
  int64_t sharedBytes = 0, dynamicBytes = 0; // of shared memory: static, dynamic

  // All threads of the block meet here; what they wrote to shared memory before is seen after.
  void barrier();
  // body(i) for this thread's share of 0 <= i < n: i = thread, thread + threads, ..
  void forThreads(Term n, llvm::function_ref<void(mlir::Value)> body);
  // body(i) for this thread's share of the grid's 0 <= i < n, one each: the grid must have blocksFor(n, threads) blocks
  // in this dimension.
  void forGrid(int64_t n, llvm::function_ref<void(mlir::Value)> body, int dimension = 0);

  // `count` elements of shared memory, 16-byte aligned. At most kSharedBytes in a function.
  mlir::Value shared(int64_t count, mlir::Type element = {});
  // The same in dynamic shared memory, of which there may be more: GpuPlan's launches of the function give it. Its
  // first bytes are aligned as the first call says.
  mlir::Value dynamicShared(int64_t count, mlir::Type element = {}, int64_t alignment = 16);
  // The lane's value of lane ^ mask; all lanes of the warp take part.
  mlir::Value shuffleXor(mlir::Value f32, int64_t mask);
  // Over the warp's lanes, the same in every lane, in a fixed order.
  mlir::Value reduceWarp(Reduction kind, mlir::Value f32);
  // Over the block's threads, the same in every thread, in a fixed order. Not in a loop: its memory is written once.
  mlir::Value reduceBlock(Reduction kind, mlir::Value f32);

  mlir::Value vectorOf(mlir::ValueRange scalars);
  // Vectors whose address is a multiple of their size: one access of 8 or 16 bytes.
  mlir::Value loadAligned(mlir::VectorType type, mlir::Value base, Term index = 0);
  void storeAligned(mlir::Value vector, mlir::Value base, Term index = 0);
  // Between f32 and bf16, of scalars and vectors; to nearest even.
  mlir::Value toBf16(mlir::Value f32);
  mlir::Value fromBf16(mlir::Value bf16);

  mlir::LLVM::LLVMFuncOp function;

private:
  KernelOp kernel;
  mlir::gpu::GPUModuleOp into;
  mlir::Value threadIndex;
  int64_t sharedCount = 0;
  mlir::Value dynamicStart;
  mlir::Value declareShared(mlir::LLVM::Linkage linkage, const llvm::Twine &suffix, int64_t count, mlir::Type element,
                            int64_t alignment);
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_GPU_GPUBUILDER_H
