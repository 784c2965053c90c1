// From LLVM-dialect modules to an executable: translate, optimize, generate objects in parallel, link with the runtime.
#include "qfa/Emit/EmitExecutable.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <thread>

using namespace mlir;
using namespace qfa;

namespace {

// One object file in the making. Translation happens on the calling thread (MLIR's context), the rest on any.
struct Unit {
  std::unique_ptr<llvm::LLVMContext> context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module;
  std::string cpu, path, error;
  llvm::OptimizationLevel level = llvm::OptimizationLevel::O2;
};

std::unique_ptr<llvm::TargetMachine> createTarget(const Unit &unit, std::string &error) {
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, unit.cpu, "", options, llvm::Reloc::PIC_, std::nullopt,
      unit.level == llvm::OptimizationLevel::O2 ? llvm::CodeGenOptLevel::Default : llvm::CodeGenOptLevel::Less));
}

void optimize(llvm::Module &module, llvm::TargetMachine &target, llvm::OptimizationLevel level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  // Kernels come vectorized and unrolled by their builders; doing it again costs compile time and makes remainders.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopInterleaving = false;
  llvm::PassBuilder builder(&target, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(level).run(module, modules);
}

void compile(Unit &unit) {
  auto target = createTarget(unit, unit.error);
  if (!target)
    return;
  unit.module->setTargetTriple(target->getTargetTriple());
  unit.module->setDataLayout(target->createDataLayout());
  optimize(*unit.module, *target, unit.level);
  std::error_code code;
  llvm::raw_fd_ostream os(unit.path, code);
  llvm::legacy::PassManager codegen;
  if (code || target->addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    unit.error = "cannot write object file '" + unit.path + "': " + (code ? code.message() : "no code generator");
    return;
  }
  codegen.run(*unit.module);
  os.close();
  if (os.has_error()) {
    unit.error = "cannot write object file '" + unit.path + "': " + os.error().message();
    os.clear_error();
  }
}

void compileAll(MutableArrayRef<Unit> units) {
  std::atomic<size_t> next = 0;
  auto worker = [&] {
    for (size_t i = next++; i < units.size(); i = next++)
      compile(units[i]);
  };
  size_t count = std::min<size_t>(units.size(), std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (size_t i = 1; i < count; ++i)
    threads.emplace_back(worker);
  worker();
  for (std::thread &thread : threads)
    thread.join();
}

LogicalResult findLinker(const EmitOptions &options, Location loc, std::string &path) {
  SmallVector<StringRef> names = {"c++", "g++", "clang++-22", "clang++"};
  if (!options.linker.empty())
    names = {options.linker};
  for (StringRef name : names)
    if (auto found = llvm::sys::findProgramByName(name)) {
      path = *found;
      return success();
    }
  return emitError(loc, "no linker found: tried ")
         << llvm::join(names, ", ") << "; install g++ or name one with --linker";
}

LogicalResult link(ArrayRef<Unit> units, const EmitOptions &options, StringRef output, Location loc) {
  std::string linker;
  if (failed(findLinker(options, loc, linker)))
    return failure();
  if (!llvm::sys::fs::exists(options.runtimeLibrary))
    return emitError(loc, "runtime library '") << options.runtimeLibrary << "' not found";
  SmallVector<std::string> arguments = {linker, "-o", output.str()};
  for (const Unit &unit : units)
    arguments.push_back(unit.path);
  arguments.push_back(options.runtimeLibrary);
  for (StringRef library : llvm::split(QFA_RUNTIME_LINK_LIBRARIES, ' '))
    arguments.push_back(library.str());
  SmallVector<StringRef> references(arguments.begin(), arguments.end());
  SmallString<128> log;
  if (llvm::sys::fs::createTemporaryFile("qfa-link", "log", log))
    return emitError(loc, "cannot make a temporary file");
  llvm::FileRemover removeLog(log);
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
  std::string error;
  int code = llvm::sys::ExecuteAndWait(linker, references, std::nullopt, redirects, 0, 0, &error);
  if (code == 0)
    return success();
  auto text = llvm::MemoryBuffer::getFile(log);
  return emitError(loc, "linking failed with '")
         << linker << "' (" << (error.empty() ? "exit code " + std::to_string(code) : error)
         << "): " << (text ? (*text)->getBuffer().rtrim() : StringRef());
}

} // namespace

LogicalResult qfa::emitExecutable(ModuleOp program, ArrayRef<LoweredKernels> kernels, const ModuleTables &tables,
                                  const EmitOptions &options) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  Location loc = program.getLoc();
  SmallVector<qfa_isa_t> isas;
  std::vector<Unit> units(kernels.size() + 1);
  for (auto [unit, lowered] : llvm::zip(units, kernels)) {
    unit.module = translateModuleToLLVMIR(lowered.module, *unit.context);
    if (!unit.module)
      return emitError(loc, "kernels cannot be translated to LLVM IR");
    unit.cpu = lowered.cpu;
    unit.path = options.output + "." + isaName(lowered.isa).str() + ".o";
    for (const KernelTableRow &kernel : tables.kernels)
      if (llvm::Function *function = unit.module->getFunction(kernel.name))
        function->setName(kernel.name + "__" + isaName(lowered.isa));
    isas.push_back(lowered.isa);
  }
  Unit &entries = units.back();
  entries.module = translateModuleToLLVMIR(program, *entries.context);
  if (!entries.module)
    return emitError(loc, "entries cannot be translated to LLVM IR");
  entries.path = options.output + ".entries.o";
  entries.level = llvm::OptimizationLevel::O1; // calls and addresses only: more costs seconds and gains nothing
  emitModuleTables(*entries.module, tables, isas);

  SmallVector<llvm::FileRemover> cleanup;
  if (!options.keepObjects)
    for (Unit &unit : units)
      cleanup.emplace_back(unit.path);
  compileAll(units);
  for (const Unit &unit : units)
    if (!unit.error.empty())
      return emitError(loc) << unit.error;
  std::string aside = options.output + ".tmp";
  llvm::FileRemover removeAside(aside);
  if (failed(link(units, options, aside, loc)))
    return failure();
  if (std::error_code code = llvm::sys::fs::rename(aside, options.output))
    return emitError(loc, "cannot write '") << options.output << "': " << code.message();
  removeAside.releaseFile();
  return success();
}
