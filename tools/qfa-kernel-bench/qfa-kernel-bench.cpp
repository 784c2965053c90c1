// Times every kernel of a file on one thread: compiles it in memory, runs it on random operands, prints one line.
#include "qfa/Dialect/Qfa.h"
#include "qfa/Lowering/KernelJit.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <ctime>
#include <random>

using namespace mlir;
using namespace qfa;

static llvm::cl::opt<std::string> inputFile(llvm::cl::Positional, llvm::cl::desc("FILE"), llvm::cl::Required);
static llvm::cl::opt<std::string> isaName("isa", llvm::cl::desc("Instruction set (default: the best of this machine)"));
static llvm::cl::opt<double> seconds("seconds", llvm::cl::init(0.5), llvm::cl::desc("Time to spend on a kernel"));
static llvm::cl::opt<int> bits("bits", llvm::cl::init(4), llvm::cl::desc("Width in force of weights that have it"));

namespace {
// Memory of a kernel's operands and results. Integers are small enough to be tokens of any vocabulary.
class Operands {
public:
  void add(Type type) {
    if (auto elastic = dyn_cast<ElasticType>(type))
      return addSite(elastic);
    int64_t elements = cast<ShapedType>(tensorOf(type)).getNumElements();
    if (cast<ShapedType>(tensorOf(type)).getElementType().isInteger(32))
      pointers.push_back(words(elements, 16));
    else
      pointers.push_back(floats(elements, 1));
    if (!isa<TrainableType>(type))
      return;
    void *value = pointers.back();
    trainables.push_back(std::make_unique<qfa_trainable_row_t>(qfa_trainable_row_t{
        static_cast<float *>(value), floats(elements, 0.01f), floats(elements, 0.01f), 0.1f, 0.001f}));
    pointers.back() = trainables.back().get();
  }

  std::vector<void *> pointers;

private:
  static Type tensorOf(Type type) {
    if (auto buffer = dyn_cast<BufferType>(type))
      return buffer.getTensorType();
    if (auto trainable = dyn_cast<TrainableType>(type))
      return trainable.getTensorType();
    return type;
  }
  float *floats(int64_t count, float limit) {
    std::uniform_real_distribution<float> distribution(0, limit);
    auto &memory = memories.emplace_back(count * 4 + 64);
    auto *data = reinterpret_cast<float *>(memory.data());
    for (int64_t i = 0; i < count; ++i)
      data[i] = distribution(rng);
    return data;
  }
  uint32_t *words(int64_t count, uint64_t limit) {
    auto &memory = memories.emplace_back(count * 4 + 64);
    auto *data = reinterpret_cast<uint32_t *>(memory.data());
    for (int64_t i = 0; i < count; ++i)
      data[i] = static_cast<uint32_t>(rng() % limit);
    return data;
  }
  void addSite(ElasticType type) {
    int64_t width = llvm::is_contained(type.getBits(), bits) ? static_cast<int64_t>(bits) : type.getBits().front();
    int64_t blocks = (type.getOut() + 31) / 32, scales = blocks * type.getGroups() * 32;
    sites.push_back(std::make_unique<qfa_site_row_t>(
        qfa_site_row_t{words(blocks * type.getIn() * width, uint64_t(1) << 32), floats(scales, 0.01f),
                       floats(scales, 0.01f), floats(type.getRank() * type.getGroups(), 1),
                       floats(type.getOut() * type.getRank(), 1), static_cast<int32_t>(width), 0}));
    pointers.push_back(sites.back().get());
  }

  std::mt19937_64 rng{1};
  std::vector<std::vector<char>> memories;
  std::vector<std::unique_ptr<qfa_site_row_t>> sites;
  std::vector<std::unique_ptr<qfa_trainable_row_t>> trainables;
};
} // namespace

static void measure(KernelOp kernel, const KernelJit::Kernel &compiled) {
  Operands operands;
  Block &body = kernel.getBody().front();
  for (BlockArgument argument : body.getArguments())
    operands.add(argument.getType());
  for (Value result : body.getTerminator()->getOperands())
    operands.add(result.getType());
  std::vector<char> memory(compiled.scratchBytes + 64);
  char *scratch = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;

  // The thread's own time: other programs on the machine then disturb less.
  auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double best = 1e30, spent = 0;
  for (int run = 0; run < 3 || spent < seconds; ++run) {
    double start = now();
    compiled.function(operands.pointers.data(), 0, compiled.tiles, scratch);
    double time = now() - start;
    best = std::min(best, time);
    spent += time;
  }
  llvm::outs() << llvm::format("%-44s %9.3f ms %8.1f GFLOP/s %5lld tiles %8lld scratch\n",
                               kernel.getSymName().str().c_str(), best * 1e3, compiled.flops / best * 1e-9,
                               static_cast<long long>(compiled.tiles), static_cast<long long>(compiled.scratchBytes));
  llvm::outs().flush();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "times kernels on one thread\n");
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(inputFile);
  if (!buffer) {
    llvm::errs() << "error: cannot read " << inputFile << ": " << buffer.getError().message() << "\n";
    return 1;
  }
  DialectRegistry registry;
  registry.insert<QfaDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string text = (*buffer)->getBuffer().str();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return 1;
  KernelJit jit(text, isaName.empty() ? hostIsas().back() : isaName.getValue());
  if (!jit.error.empty()) {
    llvm::errs() << "error: " << jit.error << "\n";
    return 1;
  }
  for (KernelOp kernel : module->getOps<KernelOp>())
    measure(kernel, jit.find(kernel.getSymName().str()));
  return 0;
}
