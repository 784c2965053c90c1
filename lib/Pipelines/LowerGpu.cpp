// From kernels to what GPUs load: functions in the NVVM dialect, PTX, machine code, bitcode for the emulator.
#include "qfa/Pipelines/CompileProgram.h"

#include "qfa/Emit/SerializeGpu.h"
#include "qfa/Pipelines/Registration.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <map>
#include <thread>

using namespace mlir;
using namespace qfa;

SmallVector<GpuGroup> qfa::groupGpuArchs(ArrayRef<std::string> archs, StringRef precision) {
  std::map<GpuArch, SmallVector<GpuArch>> byTiles;
  for (const std::string &text : archs) {
    GpuArch arch = *parseGpuArch(text);
    byTiles[gpuTileArch(arch, precision)].push_back(arch);
  }
  SmallVector<GpuGroup> groups;
  for (auto &[arch, same] : byTiles)
    groups.push_back({arch, same, /*needsPtx=*/groups.empty()});
  return groups;
}

LogicalResult qfa::lowerKernelsToNvvm(ModuleOp module, const LowerKernelsToGpuOptions &options) {
  PassManager kernels(module.getContext()), toNvvm(module.getContext());
  kernels.addPass(createLowerKernelsToGpu(options));
  toNvvm.enableVerifier(false); // upstream's conversions; the builders' code before them is verified
  buildLowerGpuToNvvm(toNvvm);
  return success(succeeded(kernels.run(module)) && succeeded(toNvvm.run(module)));
}

FailureOr<SmallVector<GpuImage>> qfa::makeGpuImages(Operation *op, const GpuGroup &group, bool bitcode) {
  auto gpuModule = cast<gpu::GPUModuleOp>(op);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = translateGpu(gpuModule, group.arch, context);
  if (!module)
    return failure();
  SmallVector<GpuImage> images;
  if (bitcode) {
    images.push_back({QFA_GPU_BITCODE, group.arch, ""});
    llvm::raw_string_ostream os(images.back().bytes);
    llvm::WriteBitcodeToFile(*module, os);
  }
  std::string error, ptx = generatePtx(*module, group.arch, error);
  if (ptx.empty())
    return gpuModule.emitError() << error;
  ArrayRef<GpuArch> archs = group.archs;
  bool assembles = !findPtxas().empty();
  if (assembles) {
    std::vector<GpuImage> cubins(archs.size());
    std::vector<std::string> reports(archs.size());
    std::vector<std::thread> assemblers;
    for (size_t i = 0; i < archs.size(); ++i)
      assemblers.emplace_back(
          [&, i] { cubins[i] = {QFA_GPU_CUBIN, archs[i], assemblePtx(ptx, archs[i], reports[i])}; });
    for (std::thread &assembler : assemblers)
      assembler.join();
    for (size_t i = 0; i < archs.size(); ++i) {
      if (cubins[i].bytes.empty())
        return gpuModule.emitError("ptxas does not assemble for sm_") << archs[i].text() << ": " << reports[i];
      images.push_back(std::move(cubins[i]));
    }
  }
  if (group.needsPtx || !assembles)
    images.push_back({QFA_GPU_PTX, group.arch, std::move(ptx)});
  return images;
}

static qfa_gpu_product_t readProduct(GpuProductOp op) {
  auto factor = [](ArrayRef<int64_t> place, bool transposed) {
    return qfa_gpu_factor_t{place[0], place[1], transposed, 0};
  };
  ArrayRef<int64_t> sizes = op.getSizes();
  qfa_gpu_product_t product = {};
  product.m = sizes[0];
  product.n = sizes[1];
  product.k = sizes[2];
  product.left = factor(op.getLeft(), op.getTransposedLeft());
  product.right = factor(op.getRight(), op.getTransposedRight());
  product.result = static_cast<int32_t>(op.getInto());
  product.addend = op.getPlus() ? static_cast<int32_t>(*op.getPlus()) : -1;
  product.offset = op.getAt()[0];
  product.stride = op.getAt()[1];
  product.scale = op.getScale().convertToDouble();
  return product;
}

static GpuKernelRow readRow(GpuKernelOp kernel) {
  GpuKernelRow row;
  row.pointers = kernel.getPointers();
  row.workspace = kernel.getWorkspace();
  for (auto launch : kernel.getOps<GpuLaunchOp>()) {
    ArrayRef<int64_t> grid = launch.getGrid();
    row.launches.push_back({launch.getFunction().getLeafReference().str(),
                            {grid[0], grid[1], grid[2]},
                            static_cast<int64_t>(launch.getBlock()),
                            static_cast<int64_t>(launch.getArgument()),
                            static_cast<int64_t>(launch.getShared()),
                            launch.getEarly(),
                            {}});
    for (auto product : launch.getComputed().getOps<GpuProductOp>())
      row.launches.back().products.push_back(readProduct(product));
  }
  return row;
}

LogicalResult qfa::lowerToGpuCode(StringRef kernels, const GpuOptions &options, const GpuGroup &group, GpuCode &code) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kernels, &context);
  LowerKernelsToGpuOptions lowering{options.precision, group.arch.text(), options.multiprocessors};
  if (!module || failed(lowerKernelsToNvvm(*module, lowering)))
    return failure();
  for (auto kernel : module->getOps<GpuKernelOp>())
    code.kernels[kernel.getSymName()] = readRow(kernel);
  auto images = makeGpuImages(*module->getOps<gpu::GPUModuleOp>().begin(), group, /*bitcode=*/true);
  if (failed(images))
    return failure();
  code.images = std::move(*images);
  return success();
}
