// The whole way to GPUs as one pass, from whatever stage a module is at.
#include "qfa/Pipelines/Passes.h"

#include "qfa/Emit/Passes.h"
#include "qfa/Emit/SerializeGpu.h"
#include "qfa/Pipelines/CompileProgram.h"
#include "qfa/Pipelines/Registration.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"

namespace qfa {
#define GEN_PASS_DEF_LOWERTOGPU
#include "qfa/Pipelines/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

static Attribute makeObject(const GpuImage &image, MLIRContext *context) {
  Builder b(context);
  auto target = NVVM::NVVMTargetAttr::get(context, /*optLevel=*/3, "nvptx64-nvidia-cuda",
                                          "sm_" + std::to_string(image.arch), "+ptx80");
  auto format = image.kind == QFA_GPU_PTX ? gpu::CompilationTarget::Assembly : gpu::CompilationTarget::Binary;
  return gpu::ObjectAttr::get(context, target, format, b.getStringAttr(image.bytes), /*properties=*/nullptr,
                              /*kernels=*/nullptr);
}

namespace {
class LowerToGpu : public qfa::impl::LowerToGpuBase<LowerToGpu> {
public:
  using LowerToGpuBase::LowerToGpuBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerAllDialects(registry); }

  void runOnOperation() override {
    if (emit != "binary" && emit != "ptx" && emit != "nvvm") {
      getOperation().emitError("unknown form '") << emit << "', wanted nvvm, ptx or binary";
      return signalPassFailure();
    }
    if (failed(lower()))
      signalPassFailure();
  }

private:
  LogicalResult lower() {
    ModuleOp module = getOperation();
    ProgramOptions options;
    options.supernetOptions = supernet;
    options.autodiff.functions.batch = batch;
    options.autodiff.functions.sequence = sequence;
    Stage stage = stageOf(module);
    options.elastic = stage == Stage::Import || !module.getOps<ElasticOp>().empty();
    if (failed(runStages(module, options, stage, Stage::Kernels)))
      return failure();
    PassManager host(&getContext());
    host.addPass(createLowerProgram());
    if (failed(host.run(module)) || failed(lowerKernelsToNvvm(module, precision)))
      return failure();
    return emit == "nvvm" ? success() : makeBinary(module);
  }

  LogicalResult makeBinary(ModuleOp module) {
    SmallVector<std::string> wanted(archs.begin(), archs.end());
    if (wanted.empty())
      wanted = GpuOptions().archs;
    if (emit == "ptx")
      wanted.clear();
    for (auto gpuModule : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
      auto images = makeGpuImages(gpuModule, wanted, /*bitcode=*/false);
      if (failed(images))
        return failure();
      SmallVector<Attribute> objects;
      for (const GpuImage &image : *images)
        objects.push_back(makeObject(image, &getContext()));
      OpBuilder b(gpuModule);
      gpu::BinaryOp::create(b, gpuModule.getLoc(), gpuModule.getName(), /*offloadingHandler=*/nullptr,
                            b.getArrayAttr(objects));
      gpuModule.erase();
    }
    return success();
  }
};
} // namespace
