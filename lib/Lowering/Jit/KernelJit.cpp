// Kernels through the pass, LLVM's optimizer and its in-memory linker.
#include "qfa/Lowering/KernelJit.h"

#include "qfa/Lowering/Passes.h"
#include "qfa/Support/OptimizeKernels.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace qfa;

std::vector<std::string> qfa::hostIsas() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<StringRef> names) {
    return llvm::all_of(names, [&](StringRef name) { return features.lookup(name); });
  };
  std::vector<std::string> isas = {"portable"};
  if (has({"avx2", "fma", "f16c", "bmi2"}))
    isas.push_back("avx2");
  if (has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    isas.push_back("avx512");
  return isas;
}

struct KernelJit::State {
  llvm::StringMap<Kernel> kernels;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

// Functions of other instruction sets carry their own target, so the machine is the portable one.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> portableMachine() {
  llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(llvm::sys::getProcessTriple())};
  builder.setCodeGenOptLevel(kernelCodegenLevel);
  return builder.createTargetMachine();
}

// Wide vectors are split into what the host has.
static void emulateForHost(ModuleOp module, StringRef isa) {
  std::vector<std::string> isas = hostIsas();
  if (llvm::is_contained(isas, isa))
    return;
  Builder b(module.getContext());
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (llvm::is_contained(isas, "avx2"))
      function.setPassthroughAttr(b.getArrayAttr({b.getStrArrayAttr({"target-cpu", "x86-64-v3"})}));
    else
      function.removePassthroughAttr();
}

static std::string compile(const std::string &ir, const std::string &isa, llvm::StringMap<KernelJit::Kernel> &kernels,
                           std::unique_ptr<llvm::orc::LLJIT> &jit) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  DialectRegistry registry;
  registry.insert<QfaDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(ir, &context);
  if (!module)
    return "the kernels do not parse";

  PassManager lower(&context), toLlvm(&context);
  lower.addPass(createLowerKernelsToCpu({isa}));
  buildLowerKernelsToLlvm(toLlvm);
  if (failed(lower.run(*module)))
    return "the kernels do not lower";
  for (auto function : module->getOps<func::FuncOp>())
    if (auto tiles = function->getAttrOfType<IntegerAttr>("qfa.tiles"))
      kernels[function.getSymName()] = {nullptr, tiles.getInt(),
                                        function->getAttrOfType<IntegerAttr>("qfa.scratch_bytes").getInt(),
                                        function->getAttrOfType<IntegerAttr>("qfa.flops").getInt()};
  if (failed(toLlvm.run(*module)))
    return "the kernels' loops do not lower";

  emulateForHost(*module, isa);
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(*module, *llvmContext);
  if (!llvmModule)
    return "the kernels do not translate to LLVM IR";
  auto machine = portableMachine();
  if (!machine)
    return llvm::toString(machine.takeError());
  llvmModule->setDataLayout((*machine)->createDataLayout());
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  optimizeKernels(*llvmModule, **machine);
  if (const char *path = std::getenv("QFA_KERNEL_JIT_DUMP")) { // for reading what the optimizer made
    std::error_code code;
    llvm::raw_fd_ostream out(path, code);
    llvmModule->print(out, nullptr);
  }

  auto created =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(
              llvm::orc::JITTargetMachineBuilder((*machine)->getTargetTriple()).setCodeGenOptLevel(kernelCodegenLevel))
          .create();
  if (!created)
    return llvm::toString(created.takeError());
  jit = std::move(*created);
  if (auto failure = jit->addIRModule({std::move(llvmModule), std::move(llvmContext)}))
    return llvm::toString(std::move(failure));
  for (auto &entry : kernels) {
    auto address = jit->lookup(entry.getKey());
    if (!address)
      return llvm::toString(address.takeError());
    entry.getValue().function = address->toPtr<qfa_kernel_fn>();
  }
  return "";
}

KernelJit::KernelJit(const std::string &ir, const std::string &isa) : state(std::make_unique<State>()) {
  error = compile(ir, isa, state->kernels, state->jit);
}

KernelJit::~KernelJit() = default;

KernelJit::Kernel KernelJit::find(const std::string &name) const { return state->kernels.lookup(name); }
