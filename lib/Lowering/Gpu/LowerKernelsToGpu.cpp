// Replaces every kernel by GPU functions and the list of their launches, through the families' tables.
#include "qfa/Lowering/Passes.h"

#include "../Common/KernelBody.h"
#include "GpuKernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace qfa {
#define GEN_PASS_DEF_LOWERKERNELSTOGPU
#include "qfa/Lowering/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

static const GpuKernel *findKernel(StringRef op) {
  static const llvm::StringMap<GpuKernel> table = [] {
    llvm::StringMap<GpuKernel> table;
    for (ArrayRef<GpuKernel> family : {gpuAttentionGradKernels(), gpuAttentionKernels(), gpuCrossEntropyKernels(),
                                       gpuElementKernels(), gpuEmbeddingKernels(), gpuLinearKernels(), gpuNormKernels(),
                                       gpuOptimizerKernels(), gpuPoolKernels(), gpuRopeKernels()})
      for (const GpuKernel &kernel : family)
        table[kernel.op] = kernel;
    return table;
  }();
  auto found = table.find(op);
  return found == table.end() ? nullptr : &found->second;
}

// Memory that a launch must touch for a value of this type.
static int64_t bytesOf(Type type) {
  if (auto elastic = dyn_cast<ElasticType>(type)) { // at its largest width
    int64_t weights = elastic.getOut() * elastic.getIn(), perScale = elastic.getScales().isF16() ? 2 : 4;
    return weights * elastic.getBits().back() / 8 + weights / elastic.getGroup() * 2 * perScale +
           elastic.getRank() * (elastic.getOut() + elastic.getGroups()) * 4;
  }
  if (auto trainable = dyn_cast<TrainableType>(type))
    return trainable.getNumElements() * 4 * 6; // value and both moments, read and written
  if (auto buffer = dyn_cast<BufferType>(type))
    return buffer.getNumElements() * 4 * 2;
  return cast<RankedTensorType>(type).getNumElements() * 4;
}

static void createProducts(GpuLaunchOp launch, ArrayRef<GpuProduct> products) {
  if (products.empty())
    return;
  auto b = OpBuilder::atBlockEnd(&launch.getComputed().emplaceBlock());
  for (const GpuProduct &product : products) {
    auto place = [](const GpuProduct::Factor &factor) { return std::array{factor.offset, factor.stride}; };
    GpuProductOp::create(b, launch.getLoc(), {product.m, product.n, product.k}, place(product.left),
                         product.left.transposed, place(product.right), product.right.transposed, product.result,
                         {product.offset, product.stride}, APFloat(product.scale),
                         product.addend < 0 ? IntegerAttr() : b.getI64IntegerAttr(product.addend));
  }
}

static LogicalResult lower(KernelOp kernel, gpu::GPUModuleOp into, Precision precision, Card card) {
  FailureOr<KernelBody> body = analyseKernel(kernel, "GPU");
  if (failed(body))
    return failure();
  const GpuKernel *entry = findKernel(body->subject->getName().getStringRef());
  if (!entry)
    return body->subject->emitError("no GPU kernel for ") << body->subject->getName();
  GpuPlan plan(kernel, into, precision, card);
  entry->plan(body->subject, plan);
  if (!plan.error.empty())
    return body->subject->emitError(plan.error);

  OpBuilder b(kernel);
  Location loc = kernel.getLoc();
  Block &block = kernel.getBody().front();
  SmallVector<Type> types(block.getArgumentTypes());
  llvm::append_range(types, block.getTerminator()->getOperandTypes());
  int64_t bytes = 2 * plan.workspaceBytes;
  for (Type type : types)
    bytes += bytesOf(type);
  auto op = GpuKernelOp::create(b, loc, kernel.getSymName(), types.size(), plan.workspaceBytes, body->flops, bytes);
  b.setInsertionPointToStart(&op.getBody().emplaceBlock());
  for (const GpuPlan::Launch &launch : plan.launches) {
    auto name = SymbolRefAttr::get(into.getSymNameAttr(), FlatSymbolRefAttr::get(b.getContext(), launch.function));
    auto launchOp = GpuLaunchOp::create(b, loc, name, ArrayRef<int64_t>{launch.grid.x, launch.grid.y, launch.grid.z},
                                        launch.threads, launch.argument, launch.sharedBytes, launch.early);
    createProducts(launchOp, launch.products);
  }
  kernel.erase();
  return success();
}

namespace {
class LowerKernelsToGpu : public qfa::impl::LowerKernelsToGpuBase<LowerKernelsToGpu> {
public:
  using LowerKernelsToGpuBase::LowerKernelsToGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (precision != "bf16" && precision != "f32") {
      module.emitError("unknown precision '") << precision << "', wanted bf16 or f32";
      return signalPassFailure();
    }
    std::optional<GpuArch> wanted = parseGpuArch(arch);
    if (!wanted) {
      module.emitError("no GPU code for sm_") << arch.getValue() << ", wanted 80 or later, such as 80 or 90a";
      return signalPassFailure();
    }
    auto kernels = llvm::to_vector(module.getOps<KernelOp>());
    if (kernels.empty())
      return;
    auto b = OpBuilder::atBlockEnd(module.getBody());
    auto into = gpu::GPUModuleOp::create(b, module.getLoc(), "kernels");
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
    for (KernelOp kernel : kernels)
      if (failed(lower(kernel, into, precisionOf(precision), Card{*wanted, multiprocessors})))
        return signalPassFailure();
  }
};
} // namespace
