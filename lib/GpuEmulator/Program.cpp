// Loading: IR to host code in memory. Launching: arguments and limits checked, the rest is the run time's.
#include "qfa/GpuEmulator/Emulator.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

#include <emmintrin.h>
#include <fmt/format.h>

#include "qfa/GpuEmulator/Math.h"

using namespace llvm;
using namespace qfa::emu;

// Conversions that old compiler libraries lack. In an XMM register, as the convention wants a bf16: a function that
// returned one would convert its own result by calling itself.
static __m128i truncateFloat(float value) { return _mm_cvtsi32_si128(toBf16(value)); }
static __m128i truncateDouble(double value) { return _mm_cvtsi32_si128(toBf16(value)); }

static Error defineRuntime(orc::LLJIT &jit) {
  orc::SymbolMap symbols;
  auto define = [&](StringRef name, void *address) {
    symbols[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                          JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  };
  define("qfa_emu_access", reinterpret_cast<void *>(qfa_emu_access));
  define("qfa_emu_access_bytes", reinterpret_cast<void *>(qfa_emu_access_bytes));
  define("qfa_emu_operate", reinterpret_cast<void *>(qfa_emu_operate));
  define("qfa_emu_spend", reinterpret_cast<void *>(qfa_emu_spend));
  define("__truncsfbf2", reinterpret_cast<void *>(truncateFloat));
  define("__truncdfbf2", reinterpret_cast<void *>(truncateDouble));
  return jit.getMainJITDylib().define(orc::absoluteSymbols(symbols));
}

Program::Program() = default;
Program::~Program() = default;

Expected<std::unique_ptr<Program>> Program::load(MemoryBufferRef file, LoadOptions options) {
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIR(file, diagnostic, *context);
  if (!module)
    return createStringError(fmt::format("{}:{}: {}", diagnostic.getFilename().str(), diagnostic.getLineNo(),
                                         diagnostic.getMessage().str()));
  return load(std::move(module), std::move(context), options);
}

Expected<std::unique_ptr<Program>> Program::load(std::unique_ptr<Module> givenModule,
                                                 std::unique_ptr<LLVMContext> givenContext, LoadOptions options) {
  // In the order of their deaths when loading fails: a module dies before its context.
  std::unique_ptr<LLVMContext> context = std::move(givenContext);
  std::unique_ptr<Module> module = std::move(givenModule);
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto machine = orc::JITTargetMachineBuilder::detectHost();
  if (!machine)
    return machine.takeError();
  machine->addFeatures({"-avx512bf16"}); // its conversion flushes subnormals
  auto layout = machine->getDefaultDataLayoutForTarget();
  if (!layout)
    return layout.takeError();
  std::unique_ptr<Program> program(new Program);
  program->checks = options.checks;
  auto parts = retarget(*module, *layout, machine->getTargetTriple(), options.checks);
  if (!parts)
    return parts.takeError();
  program->parts = std::move(*parts);
  auto jit = orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(*machine)).create();
  if (!jit)
    return jit.takeError();
  program->jit = std::move(*jit);
  if (Error error = defineRuntime(*program->jit))
    return error;
  // The functions of libm that code generation calls.
  auto process =
      orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(program->jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  program->jit->getMainJITDylib().addGenerator(std::move(*process));
  if (Error error = program->jit->addIRModule(orc::ThreadSafeModule(std::move(module), std::move(context))))
    return error;
  return program;
}

const KernelSignature *Program::findKernel(StringRef name) const {
  for (const KernelSignature &kernel : parts.kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

static std::string findError(const KernelLaunch &launch, const KernelSignature *kernel) {
  if (!kernel)
    return fmt::format("no kernel '{}' in the program", launch.kernel);
  if (launch.arguments.size() != kernel->parameterBytes.size())
    return fmt::format("kernel '{}' takes {} arguments, {} were given", kernel->name, kernel->parameterBytes.size(),
                       launch.arguments.size());
  uint64_t threads = launch.block.count();
  if (threads > kernel->maxThreads || (kernel->exactThreads && threads != kernel->maxThreads))
    return fmt::format("{} threads a block, kernel '{}' wants {} {}", threads, kernel->name,
                       kernel->exactThreads ? "exactly" : "at most", kernel->maxThreads);
  return "";
}

Report Program::launch(const KernelLaunch &launch, Memory &memory, const LaunchOptions &options) {
  const KernelSignature *kernel = findKernel(launch.kernel);
  Report refused;
  refused.kernel = launch.kernel;
  refused.grid = launch.grid;
  refused.block = launch.block;
  refused.fault.emplace().kind = "bad-launch";
  refused.fault->message = findError(launch, kernel);
  if (!refused.fault->message.empty())
    return refused;
  auto entry = jit->lookup(entrySymbol(kernel->name));
  if (!entry) {
    refused.fault->message = toString(entry.takeError());
    return refused;
  }
  std::vector<std::byte *> adopted;
  for (const qfa::emu::GlobalVariable &global : parts.globals)
    if (auto address = jit->lookup(global.symbol)) {
      adopted.push_back(address->toPtr<std::byte *>());
      memory.adopt(global.name, adopted.back(), global.bytes, !global.constant);
    } else {
      consumeError(address.takeError());
    }
  LaunchPlan plan;
  plan.kernel = kernel->name;
  plan.entry = entry->toPtr<KernelEntry *>();
  plan.arguments = launch.arguments.data();
  plan.argumentBytes = kernel->parameterBytes;
  plan.grid = launch.grid;
  plan.block = launch.block;
  plan.staticSharedBytes = kernel->staticSharedBytes;
  plan.dynamicSharedBytes = launch.dynamicSharedBytes;
  plan.sharedVariables = &kernel->sharedVariables;
  plan.sites = &parts.sites;
  plan.options = options;
  if (!checks) // accesses do not call the run time, so it knows no order
    plan.options.races = plan.options.uninitialised = plan.options.traffic = false;
  Report report = runGrid(plan, memory);
  for (std::byte *data : adopted)
    memory.release(data);
  return report;
}
