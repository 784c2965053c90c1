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
  auto target =
      NVVM::NVVMTargetAttr::get(context, /*optLevel=*/3, "nvptx64-nvidia-cuda", "sm_" + image.arch.text(), "+ptx80");
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
    for (const std::string &arch : archs)
      if (!parseGpuArch(arch)) {
        getOperation().emitError("'") << arch << "' is not an architecture of 80 or more, such as 80 or 90a";
        return signalPassFailure();
      }
    if (failed(lower()))
      signalPassFailure();
  }

private:
  LogicalResult lower() {
    ModuleOp module = getOperation();
    ProgramOptions program;
    program.supernetOptions = supernet;
    program.autodiff.functions.batch = batch;
    program.autodiff.functions.sequence = sequence;
    Stage stage = stageOf(module);
    program.elastic = stage == Stage::Import || !module.getOps<ElasticOp>().empty();
    if (failed(runStages(module, program, stage, Stage::Kernels)))
      return failure();
    PassManager host(&getContext());
    host.addPass(createLowerProgram());
    SmallVector<std::string> wanted(archs.begin(), archs.end());
    if (wanted.empty())
      wanted = GpuOptions().archs;
    GpuGroup group = groupGpuArchs(wanted, precision).front();
    LowerKernelsToGpuOptions kernels{precision, group.arch.text(), multiprocessors};
    if (failed(host.run(module)) || failed(lowerKernelsToNvvm(module, kernels)))
      return failure();
    group.archs.clear();
    if (emit == "binary")
      for (const std::string &arch : wanted)
        group.archs.push_back(*parseGpuArch(arch));
    return emit == "nvvm" ? success() : makeBinary(module, group);
  }

  LogicalResult makeBinary(ModuleOp module, const GpuGroup &group) {
    for (auto gpuModule : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
      auto images = makeGpuImages(gpuModule, group, /*bitcode=*/false);
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
