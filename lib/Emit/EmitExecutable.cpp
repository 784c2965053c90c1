// From LLVM-dialect modules to an executable: translate, optimize, generate objects in parallel, link with the runtime.
#include "qfa/Emit/EmitExecutable.h"

#include "qfa/Support/OptimizeKernels.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <atomic>
#include <list>
#include <thread>

using namespace mlir;
using namespace qfa;

namespace {

// One object file in the making.
struct Unit {
  std::function<std::unique_ptr<llvm::Module>(llvm::LLVMContext &)> make; // null: reported already
  std::string path, error;
  bool kernels = false; // worth optimizing
};

std::unique_ptr<llvm::TargetMachine> createTarget(const Unit &unit, std::string &error) {
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, "", "", options, llvm::Reloc::PIC_, std::nullopt,
                                  unit.kernels ? kernelCodegenLevel : llvm::CodeGenOptLevel::None));
}

void compile(Unit &unit) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = unit.make(context);
  if (!module) {
    unit.error = "code cannot be translated to LLVM IR";
    return;
  }
  auto target = createTarget(unit, unit.error);
  if (!target)
    return;
  module->setTargetTriple(target->getTargetTriple());
  module->setDataLayout(target->createDataLayout());
  if (unit.kernels) // entries are calls and addresses only: optimizing them costs seconds and gains nothing
    optimizeKernels(*module, *target);
  std::error_code code;
  llvm::raw_fd_ostream os(unit.path, code);
  llvm::legacy::PassManager codegen;
  if (code || target->addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    unit.error = "cannot write object file '" + unit.path + "': " + (code ? code.message() : "no code generator");
    return;
  }
  codegen.run(*module);
  os.close();
  if (os.has_error()) {
    unit.error = "cannot write object file '" + unit.path + "': " + os.error().message();
    os.clear_error();
  }
}

// Runs the jobs on all cores, in their order.
void runAll(ArrayRef<std::function<void()>> jobs) {
  std::atomic<size_t> next = 0;
  auto worker = [&] {
    for (size_t i = next++; i < jobs.size(); i = next++)
      jobs[i]();
  };
  size_t count = std::min<size_t>(jobs.size(), std::max(1u, std::thread::hardware_concurrency()));
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

// findEmulator: the program opens the emulator's library, which lies beside the runtime.
LogicalResult link(ArrayRef<Unit> units, const EmitOptions &options, bool findEmulator, StringRef output,
                   Location loc) {
  std::string linker;
  if (failed(findLinker(options, loc, linker)))
    return failure();
  SmallVector<std::string> arguments = {linker, "-o", output.str()};
  for (const Unit &unit : units)
    arguments.push_back(unit.path);
  arguments.push_back(options.runtimeLibrary);
  for (StringRef library : llvm::split(QFA_RUNTIME_LINK_LIBRARIES, ' '))
    arguments.push_back(library.str());
  SmallString<128> folder(llvm::sys::path::parent_path(options.runtimeLibrary));
  if (findEmulator && !llvm::sys::fs::make_absolute(folder)) {
    llvm::sys::path::remove_dots(folder, /*remove_dot_dot=*/true);
    arguments.push_back(("-Wl,-rpath," + folder).str());
  }
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

// Lowers, translates and names the kernels of a unit, in a context of their own.
std::unique_ptr<llvm::Module> makeKernels(const KernelUnit &kernels, SmallVectorImpl<KernelTableRow> &rows,
                                          llvm::LLVMContext &context) {
  MLIRContext mlirContext(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> lowered = kernels.lower(mlirContext, rows);
  std::unique_ptr<llvm::Module> module = lowered ? translateModuleToLLVMIR(*lowered, context) : nullptr;
  if (module)
    for (const KernelTableRow &row : rows)
      module->getFunction(row.name)->setName(row.name + "__" + isaName(kernels.isa));
  return module;
}

void mergeRows(ModuleTables &tables, ArrayRef<KernelTableRow> rows) {
  for (const KernelTableRow &row : rows) {
    KernelTableRow &merged = tables.kernels[tables.kernelIndex.lookup(row.name)];
    merged.tiles = row.tiles;
    merged.scratchBytes = std::max(merged.scratchBytes, row.scratchBytes); // one size serves all instruction sets
  }
}

LogicalResult checkUnits(ArrayRef<Unit> units, Location loc) {
  for (const Unit &unit : units)
    if (!unit.error.empty())
      return emitError(loc) << unit.error;
  return success();
}

} // namespace

LogicalResult qfa::checkEmission(const EmitOptions &options, Location loc) {
  namespace fs = llvm::sys::fs;
  StringRef folder = llvm::sys::path::parent_path(options.output);
  auto cannotWrite = [&](const Twine &why) {
    return emitError(loc, "cannot write '") << options.output << "': " << why;
  };
  if (fs::is_directory(options.output))
    return cannotWrite("it is a folder");
  if (!folder.empty() && !fs::is_directory(folder))
    return cannotWrite("there is no folder '" + folder + "'");
  if (std::error_code code = fs::access(folder.empty() ? "." : folder, fs::AccessMode::Write))
    return cannotWrite(code.message());
  if (!fs::exists(options.runtimeLibrary))
    return emitError(loc, "runtime library '") << options.runtimeLibrary << "' not found";
  std::string linker;
  return findLinker(options, loc, linker);
}

LogicalResult qfa::emitExecutable(ModuleOp program, ArrayRef<KernelUnit> kernels, ArrayRef<GpuUnit> gpu,
                                  ModuleTables &tables, const EmitOptions &options) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  Location loc = program.getLoc();
  std::vector<Unit> units(kernels.size() + 2);
  std::vector<SmallVector<KernelTableRow>> rows(kernels.size());
  SmallVector<qfa_isa_t> isas;
  for (auto [i, kernel] : llvm::enumerate(kernels)) {
    if (!llvm::is_contained(isas, kernel.isa))
      isas.push_back(kernel.isa);
    units[i].kernels = true;
    units[i].path = llvm::formatv("{0}.{1}.{2}.o", options.output, isaName(kernel.isa), i);
    units[i].make = [&kernel, &row = rows[i]](llvm::LLVMContext &context) { return makeKernels(kernel, row, context); };
  }
  Unit &entries = units[kernels.size()], &tableUnit = units.back();
  entries.path = options.output + ".entries.o";
  entries.make = [&](llvm::LLVMContext &context) { return translateModuleToLLVMIR(program, context); };
  tableUnit.path = options.output + ".tables.o";
  tableUnit.make = [&](llvm::LLVMContext &context) {
    auto module = std::make_unique<llvm::Module>("tables", context);
    emitModuleTables(*module, tables, isas);
    return module;
  };

  std::list<llvm::FileRemover> cleanup;
  for (Unit &unit : units) {
    cleanup.emplace_back(unit.path);
    llvm::sys::RemoveFileOnSignal(unit.path);
  }
  std::vector<std::function<void()>> jobs;
  SmallVector<LogicalResult> gpuResults(gpu.size(), success());
  tables.gpu.code.resize(gpu.size());
  for (size_t i = 0; i < gpu.size(); ++i) // the longest first
    jobs.push_back([&, i] { gpuResults[i] = gpu[i](tables.gpu.code[i]); });
  for (Unit &unit : MutableArrayRef<Unit>(units).drop_back())
    jobs.push_back([&unit] { compile(unit); });
  runAll(jobs);
  if (llvm::any_of(gpuResults, [](LogicalResult result) { return result.failed(); }) || failed(checkUnits(units, loc)))
    return failure();
  for (ArrayRef<KernelTableRow> unitRows : rows)
    mergeRows(tables, unitRows);
  compile(tableUnit);
  if (failed(checkUnits(tableUnit, loc)))
    return failure();

  std::string aside = options.output + ".tmp";
  llvm::FileRemover removeAside(aside);
  if (failed(link(units, options, !tables.gpu.code.empty(), aside, loc)))
    return failure();
  if (std::error_code code = llvm::sys::fs::rename(aside, options.output))
    return emitError(loc, "cannot write '") << options.output << "': " << code.message();
  removeAside.releaseFile();
  return success();
}
