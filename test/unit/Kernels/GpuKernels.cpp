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
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
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
    uint32_t sharedBytes;
    int64_t argument;
    std::vector<GpuProductOp> products; // of the module
  };
  struct Kernel {
    std::vector<Type> types; // of operands, then results
    size_t operands = 0;
    int64_t flops = 0, workspace = 0;
    std::vector<Launch> launches;
  };
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  bool isRounded = false; // factors of products are bf16
  std::map<std::string, Kernel> kernels;
  std::string bitcode; // of the optimized module
  std::unique_ptr<emu::Program> program;
};

static std::string compile(const std::string &ir, const LowerKernelsToGpuOptions &options, auto &state) {
  DialectRegistry registry;
  registry.insert<QfaDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
  state.context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> &module = state.module;
  module = parseSourceString<ModuleOp>(ir, state.context.get());
  state.isRounded = options.precision == "bf16";
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
  passes.addPass(createLowerKernelsToGpu(options));
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
                              uint32_t(launch.getShared()),
                              static_cast<int64_t>(launch.getArgument()),
                              {}});
      llvm::append_range(row.launches.back().products, launch.getComputed().getOps<GpuProductOp>());
    }
  }
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule =
      translateGpu(*module->getOps<gpu::GPUModuleOp>().begin(), *parseGpuArch(options.arch), *llvmContext);
  if (!llvmModule)
    return "the kernels do not translate to LLVM IR";
  if (const char *path = std::getenv("QFA_GPU_KERNEL_DUMP")) { // for reading what the optimizer made
    std::error_code code;
    llvm::raw_fd_ostream out(path, code);
    llvmModule->print(out, nullptr);
  }
  llvm::raw_string_ostream bitcode(state.bitcode);
  llvm::WriteBitcodeToFile(*llvmModule, bitcode);
  auto loaded = emu::Program::load(std::move(llvmModule), std::move(llvmContext));
  if (!loaded)
    return llvm::toString(loaded.takeError());
  state.program = std::move(*loaded);
  return "";
}

GpuKernels::GpuKernels(const std::string &ir, const std::string &precision, const std::string &arch,
                       unsigned multiprocessors)
    : state(std::make_shared<State>()) {
  error = compile(ir, {precision, arch, multiprocessors}, *state);
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
  // All that a kernel may have written, its workspace apart.
  std::string written() const {
    std::string bytes;
    for (const Copy &copy : back)
      bytes.append(reinterpret_cast<const char *>(copy.device), copy.bytes);
    return bytes;
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

namespace {
struct Run {
  DeviceCopies copies;
  std::string fault; // empty: none
};
} // namespace

// A launch's product as a library has to make it of the op: plain loops over the memory of the device.
static void multiply(GpuProductOp op, bool isRounded, const std::vector<void *> &pointers, emu::Memory &memory) {
  auto factor = [&](ArrayRef<int64_t> place, bool transposed, int64_t i, int64_t l) {
    int64_t at = transposed ? l * place[1] + i : i * place[1] + l;
    const char *panel = static_cast<const char *>(pointers.back()) + place[0];
    if (!isRounded)
      return reinterpret_cast<const float *>(panel)[at];
    return llvm::bit_cast<float>(uint32_t(reinterpret_cast<const uint16_t *>(panel)[at]) << 16);
  };
  int64_t m = op.getSizes()[0], n = op.getSizes()[1], k = op.getSizes()[2], offset = op.getAt()[0],
          stride = op.getAt()[1];
  auto *result = static_cast<float *>(pointers[op.getInto()]) + offset;
  const float *addend = op.getPlus() ? static_cast<float *>(pointers[*op.getPlus()]) + offset : nullptr;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += double(factor(op.getLeft(), op.getTransposedLeft(), i, l)) *
               factor(op.getRight(), op.getTransposedRight(), j, l);
      sum *= op.getScale().convertToDouble();
      result[i * stride + j] = float(addend ? addend[i * stride + j] + sum : sum);
    }
    memory.markInitialised(reinterpret_cast<std::byte *>(result + i * stride), n * 4);
  }
}

enum class Products { generated, byLibrary };

// A launch whose function `other` has runs that one instead. args beyond the operands may be null.
static void runOn(const GpuKernels::State &state, const GpuKernels::State::Kernel &kernel, emu::Program *other,
                  const std::vector<void *> &args, const emu::LaunchOptions &options, Run &run,
                  Products products = Products::generated) {
  std::vector<void *> pointers;
  for (size_t i = 0; i < kernel.types.size(); ++i)
    pointers.push_back(i < kernel.operands
                           ? addOperand(run.copies, "operand " + std::to_string(i), kernel.types[i], args[i])
                           : run.copies.addResult("result " + std::to_string(i - kernel.operands), args[i],
                                                  bytesOf(cast<RankedTensorType>(kernel.types[i]).getNumElements())));
  pointers.push_back(run.copies.memory.allocate("workspace", std::max<int64_t>(kernel.workspace, 1)));
  for (const auto &launch : kernel.launches) {
    if (products == Products::byLibrary && !launch.products.empty()) {
      for (GpuProductOp product : launch.products)
        multiply(product, state.isRounded, pointers, run.copies.memory);
      continue;
    }
    std::vector<const void *> arguments;
    for (void *&pointer : pointers)
      arguments.push_back(&pointer);
    arguments.push_back(&launch.argument);
    emu::Program &program = other && other->findKernel(launch.function) ? *other : *state.program;
    emu::Report report = program.launch({launch.function, launch.grid, launch.block, launch.sharedBytes, arguments},
                                        run.copies.memory, options);
    if (!report.ok()) {
      run.fault = report.text();
      return;
    }
  }
}

static emu::LaunchOptions scheduled(emu::Schedule schedule, uint32_t seed) {
  emu::LaunchOptions options;
  options.schedule = schedule;
  options.seed = seed;
  return options;
}

// Whether what a kernel wrote is the same but for rounding.
static void expectSameButRounding(const std::string &found, const std::string &wanted, bool isRounded) {
  ASSERT_EQ(found.size(), wanted.size());
  std::vector<float> a(found.size() / 4), b(a.size());
  std::memcpy(a.data(), found.data(), found.size());
  std::memcpy(b.data(), wanted.data(), wanted.size());
  float largest = 0, apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(b[i]));
    apart = std::isnan(a[i]) ? INFINITY : std::max(apart, std::abs(a[i] - b[i]));
  }
  EXPECT_LE(apart, largest * (isRounded ? 1e-2f : 1e-5f)) << "products as a library is asked for them";
}

TestKernel GpuKernels::find(const std::string &name) const {
  auto found = state->kernels.find(name);
  if (found == state->kernels.end())
    return {};
  auto run = [state = state, &kernel = found->second](const std::vector<void *> &args, uint32_t seed) {
    ASSERT_EQ(args.size(), kernel.types.size()) << "arguments";
    Run random, reverse;
    runOn(*state, kernel, nullptr, args, scheduled(emu::Schedule::Random, seed), random);
    ASSERT_EQ(random.fault, "");
    runOn(*state, kernel, nullptr, args, scheduled(emu::Schedule::Reverse, seed), reverse);
    ASSERT_EQ(reverse.fault, "");
    ASSERT_TRUE(random.copies.written() == reverse.copies.written()) << "results depend on the order of threads";
    if (llvm::any_of(kernel.launches, [](const auto &launch) { return !launch.products.empty(); })) {
      Run library;
      runOn(*state, kernel, nullptr, args, scheduled(emu::Schedule::Forward, seed), library, Products::byLibrary);
      ASSERT_EQ(library.fault, "");
      expectSameButRounding(library.copies.written(), random.copies.written(), state->isRounded);
    }
    random.copies.readBack();
  };
  return {found->second.flops, run};
}

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

// Barriers, fences, and the ends of groups of asynchronous copies and products.
static bool synchronises(const llvm::Instruction &instruction) {
  auto *call = dyn_cast<llvm::CallInst>(&instruction);
  if (!call || !call->getCalledFunction())
    return false;
  StringRef name = call->getCalledFunction()->getName();
  return name.consume_front("llvm.nvvm.") &&
         llvm::any_of(ArrayRef<StringRef>{"barrier", "bar.warp.sync", "cp.async.commit.group", "cp.async.wait.",
                                          "fence.proxy", "wgmma."},
                      [&](StringRef prefix) { return name.starts_with(prefix); });
}

static std::vector<llvm::Instruction *> findSynchronisation(llvm::Module &module) {
  std::vector<llvm::Instruction *> found;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (synchronises(instruction))
        found.push_back(&instruction);
  return found;
}

// The module without the i-th instruction that orders threads or copies, of the functions only the one that held it;
// what was taken out. Null behind the last one.
static std::unique_ptr<emu::Program> loadMutant(const std::string &bitcode, size_t i, std::string &without) {
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = llvm::cantFail(llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, "kernels"), *context));
  std::vector<llvm::Instruction *> found = findSynchronisation(*module);
  if (i >= found.size())
    return nullptr;
  llvm::Function *mutated = found[i]->getFunction();
  llvm::raw_string_ostream(without) << mutated->getName() << ":" << *found[i];
  found[i]->eraseFromParent();
  for (llvm::Function &function : llvm::make_early_inc_range(*module))
    if (&function != mutated && function.getCallingConv() == llvm::CallingConv::PTX_Kernel)
      function.eraseFromParent();
  return llvm::cantFail(emu::Program::load(std::move(module), std::move(context)));
}

GpuMutants GpuKernels::mutate(const std::string &name, const std::vector<void *> &operands) const {
  const State::Kernel &kernel = state->kernels.at(name);
  std::vector<void *> args = operands;
  args.resize(kernel.types.size());
  Run good;
  runOn(*state, kernel, nullptr, args, scheduled(emu::Schedule::Forward, 1), good);
  EXPECT_EQ(good.fault, "");
  GpuMutants mutants;
  for (std::string without; auto mutant = loadMutant(state->bitcode, mutants.tried, without); without.clear()) {
    ++mutants.tried;
    auto isNoticed = [&](emu::Schedule schedule) {
      Run run;
      runOn(*state, kernel, mutant.get(), args, scheduled(schedule, 1), run);
      return !run.fault.empty() || run.copies.written() != good.copies.written();
    };
    if (!isNoticed(emu::Schedule::Forward) && !isNoticed(emu::Schedule::Reverse) && !isNoticed(emu::Schedule::Random))
      mutants.unnoticed.push_back(without);
  }
  return mutants;
}
