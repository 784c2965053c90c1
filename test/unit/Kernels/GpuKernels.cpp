// Device memory and launches for kernels under test.
#include "GpuKernels.h"

#include "qfa/Dialect/Qfa.h"
#include "qfa/Emit/SerializeGpu.h"
#include "qfa/Format/Copies.h"
#include "qfa/GpuEmulator/Emulator.h"
#include "qfa/Lowering/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>

using namespace mlir;
using namespace qfa;
using namespace qfa::test;

struct GpuKernels::State {
  struct Launch {
    std::string function;
    emu::Dim3 grid, block;
    int64_t argument;
  };
  struct Kernel {
    std::vector<Type> types; // of operands, then results
    size_t operands = 0;
    int64_t flops = 0, workspace = 0;
    std::vector<Launch> launches;
  };
  std::unique_ptr<MLIRContext> context;
  std::map<std::string, Kernel> kernels;
  std::unique_ptr<emu::Program> program;
};

static std::string compile(const std::string &ir, const std::string &precision, auto &state) {
  DialectRegistry registry;
  registry.insert<QfaDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
  state.context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(ir, state.context.get());
  if (!module)
    return "the kernels do not parse";
  for (auto kernel : module->getOps<KernelOp>()) {
    auto &row = state.kernels[kernel.getSymName().str()];
    Block &body = kernel.getBody().front();
    row.operands = body.getNumArguments();
    llvm::append_range(row.types, body.getArgumentTypes());
    llvm::append_range(row.types, body.getTerminator()->getOperandTypes());
  }
  PassManager passes(state.context.get());
  passes.addPass(createLowerKernelsToGpu({precision}));
  buildLowerGpuToNvvm(passes);
  if (failed(passes.run(*module)))
    return "the kernels do not lower";
  for (auto kernel : module->getOps<GpuKernelOp>()) {
    auto &row = state.kernels[kernel.getSymName().str()];
    row.flops = kernel.getFlops();
    row.workspace = kernel.getWorkspace();
    for (auto launch : kernel.getOps<GpuLaunchOp>()) {
      auto grid = launch.getGrid();
      row.launches.push_back({launch.getFunction().getLeafReference().str(),
                              {uint32_t(grid[0]), uint32_t(grid[1]), uint32_t(grid[2])},
                              {uint32_t(launch.getBlock()), 1, 1},
                              static_cast<int64_t>(launch.getArgument())});
    }
  }
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = translateGpu(*module->getOps<gpu::GPUModuleOp>().begin(), *llvmContext);
  if (!llvmModule)
    return "the kernels do not translate to LLVM IR";
  if (const char *path = std::getenv("QFA_GPU_KERNEL_DUMP")) { // for reading what the optimizer made
    std::error_code code;
    llvm::raw_fd_ostream out(path, code);
    llvmModule->print(out, nullptr);
  }
  auto loaded = emu::Program::load(std::move(llvmModule), std::move(llvmContext));
  if (!loaded)
    return llvm::toString(loaded.takeError());
  state.program = std::move(*loaded);
  return "";
}

GpuKernels::GpuKernels(const std::string &ir, const std::string &precision) : state(std::make_shared<State>()) {
  error = compile(ir, precision, *state);
}

GpuKernels::~GpuKernels() = default;

namespace {
// Copies of host memory on the device, for one run.
class DeviceCopies {
public:
  emu::Memory memory;

  void *add(const std::string &name, const void *host, size_t bytes, bool readBack) {
    if (!host)
      return nullptr;
    std::byte *device = memory.allocate(name, std::max<size_t>(bytes, 1));
    std::memcpy(device, host, bytes);
    memory.markInitialised(device, bytes);
    if (readBack)
      back.push_back({const_cast<void *>(host), device, bytes});
    return device;
  }
  // Not initialised: a kernel must not read it before it wrote it.
  void *addResult(const std::string &name, void *host, size_t bytes) {
    std::byte *device = memory.allocate(name, std::max<size_t>(bytes, 1));
    back.push_back({host, device, bytes});
    return device;
  }
  void readBack() {
    for (const Copy &copy : back)
      std::memcpy(copy.host, copy.device, copy.bytes);
  }

private:
  struct Copy {
    void *host, *device;
    size_t bytes;
  };
  std::vector<Copy> back;
};

size_t bytesOf(int64_t elements) { return static_cast<size_t>(elements) * 4; }

void *addOperand(DeviceCopies &copies, const std::string &name, Type type, void *host) {
  if (auto elastic = dyn_cast<ElasticType>(type)) {
    auto row = *static_cast<const qfa_site_row_t *>(host);
    int64_t out = elastic.getOut(), in = elastic.getIn(), groups = elastic.getGroups(), rank = elastic.getRank();
    int64_t count = format::scaleCount(out, in, elastic.getGroup());
    size_t scaleBytes = count * (elastic.getScales().isF16() ? 2 : 4);
    row.codes = static_cast<const uint32_t *>(
        copies.add(name + ".codes", row.codes, bytesOf(format::codesWords(out, in, row.bits)), false));
    row.scales = copies.add(name + ".scales", row.scales, scaleBytes, false);
    row.zeros = copies.add(name + ".zeros", row.zeros, scaleBytes, false);
    row.adapter_a =
        static_cast<const float *>(copies.add(name + ".adapter_a", row.adapter_a, bytesOf(rank * groups), false));
    row.adapter_b =
        static_cast<const float *>(copies.add(name + ".adapter_b", row.adapter_b, bytesOf(out * rank), false));
    return copies.add(name, &row, sizeof row, false);
  }
  if (auto trainable = dyn_cast<TrainableType>(type)) {
    auto row = *static_cast<const qfa_trainable_row_t *>(host);
    size_t bytes = bytesOf(trainable.getNumElements());
    row.value = static_cast<float *>(copies.add(name + ".value", row.value, bytes, true));
    row.m = static_cast<float *>(copies.add(name + ".m", row.m, bytes, true));
    row.v = static_cast<float *>(copies.add(name + ".v", row.v, bytes, true));
    return copies.add(name, &row, sizeof row, false);
  }
  if (auto buffer = dyn_cast<BufferType>(type))
    return copies.add(name, host, bytesOf(buffer.getNumElements()), true);
  return copies.add(name, host, bytesOf(cast<RankedTensorType>(type).getNumElements()), false);
}
} // namespace

TestKernel GpuKernels::find(const std::string &name) const {
  auto found = state->kernels.find(name);
  if (found == state->kernels.end())
    return {};
  auto run = [state = state, &kernel = found->second](const std::vector<void *> &args, uint32_t seed) {
    ASSERT_EQ(args.size(), kernel.types.size()) << "arguments";
    DeviceCopies copies;
    std::vector<void *> pointers;
    for (size_t i = 0; i < args.size(); ++i)
      pointers.push_back(i < kernel.operands
                             ? addOperand(copies, "operand " + std::to_string(i), kernel.types[i], args[i])
                             : copies.addResult("result " + std::to_string(i - kernel.operands), args[i],
                                                bytesOf(cast<RankedTensorType>(kernel.types[i]).getNumElements())));
    pointers.push_back(copies.memory.allocate("workspace", std::max<int64_t>(kernel.workspace, 1)));
    emu::LaunchOptions options;
    options.schedule = emu::Schedule::Random;
    options.seed = seed;
    for (const State::Launch &launch : kernel.launches) {
      std::vector<const void *> arguments;
      for (void *&pointer : pointers)
        arguments.push_back(&pointer);
      arguments.push_back(&launch.argument);
      emu::Report report =
          state->program->launch({launch.function, launch.grid, launch.block, 0, arguments}, copies.memory, options);
      ASSERT_TRUE(report.ok()) << report.text();
    }
    copies.readBack();
  };
  return {found->second.flops, run};
}
