// NVVM to LLVM, LLVM to PTX, PTX to machine code by the toolkit's assembler.
#include "qfa/Emit/SerializeGpu.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace qfa;

static std::unique_ptr<llvm::TargetMachine> createTarget(GpuArch arch, std::string &error) {
  static const bool initialized = [] {
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialized;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, "sm_" + arch.text(), "+ptx80", options, std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

static void optimize(llvm::Module &module, llvm::TargetMachine &target) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&target);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

// Threads of a warp execute wgmma together, which the translation of its text does not say: no optimization may give
// them different paths to it.
static void markAssembly(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = dyn_cast<llvm::CallInst>(&instruction); call && call->isInlineAsm())
        call->setConvergent();
}

std::unique_ptr<llvm::Module> qfa::translateGpu(gpu::GPUModuleOp gpuModule, GpuArch arch, llvm::LLVMContext &context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  gpuModule->getContext()->appendDialectRegistry(registry);
  std::string error;
  auto target = createTarget(arch, error);
  if (!target) {
    gpuModule.emitError("no code generator for NVIDIA GPUs: ") << error;
    return nullptr;
  }
  std::unique_ptr<llvm::Module> module = translateModuleToLLVMIR(gpuModule, context, "kernels");
  if (!module) {
    gpuModule.emitError("cannot be translated to LLVM IR; --qfa-lower-gpu-to-nvvm comes before");
    return nullptr;
  }
  module->setTargetTriple(target->getTargetTriple());
  module->setDataLayout(target->createDataLayout());
  markAssembly(*module);
  optimize(*module, *target);
  return module;
}

std::string qfa::generatePtx(llvm::Module &module, GpuArch arch, std::string &error) {
  auto target = createTarget(arch, error);
  if (!target)
    return "";
  SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  if (target->addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::AssemblyFile)) {
    error = "LLVM cannot write PTX";
    return "";
  }
  codegen.run(module);
  return std::string(text);
}

std::string qfa::findPtxas() {
  SmallVector<std::string> folders;
  for (const char *variable : {"CUDA_PATH", "CUDA_HOME"})
    if (const char *root = std::getenv(variable))
      folders.push_back(std::string(root) + "/bin");
  SmallVector<StringRef> references(folders.begin(), folders.end());
  if (!references.empty())
    if (auto found = llvm::sys::findProgramByName("ptxas", references))
      return *found;
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  if (auto found = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
    return *found;
  return "";
}

static std::string readAll(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  return file ? (*file)->getBuffer().str() : "";
}

std::string qfa::assemblePtx(StringRef ptx, GpuArch arch, std::string &report) {
  std::string ptxas = findPtxas();
  if (ptxas.empty()) {
    report = "no ptxas found: set CUDA_PATH to a CUDA toolkit, or do without machine code";
    return "";
  }
  SmallString<128> source, binary, log;
  if (llvm::sys::fs::createTemporaryFile("qfa-gpu", "ptx", source) ||
      llvm::sys::fs::createTemporaryFile("qfa-gpu", "cubin", binary) ||
      llvm::sys::fs::createTemporaryFile("qfa-gpu", "log", log)) {
    report = "cannot write temporary files";
    return "";
  }
  llvm::FileRemover removers[] = {llvm::FileRemover(source), llvm::FileRemover(binary), llvm::FileRemover(log)};
  {
    std::error_code code;
    llvm::raw_fd_ostream os(source, code);
    os << ptx;
  }
  std::string chip = "-arch=sm_" + arch.text();
  StringRef arguments[] = {ptxas, chip, "-v", "-O3", source, "-o", binary};
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects);
  report = readAll(log);
  return status == 0 ? readAll(binary) : "";
}
