// Runs the stages in order, each followed by its contract, then lowers for every instruction set and emits.
#include "qfa/Pipelines/CompileProgram.h"

#include "qfa/Emit/Passes.h"
#include "qfa/Kernels/Passes.h"
#include "qfa/Lowering/Passes.h"
#include "qfa/Pipelines/Passes.h"
#include "qfa/Pipelines/Registration.h"
#include "qfa/Supernet/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace qfa;

static LogicalResult populateStage(OpPassManager &pm, const ProgramOptions &options, Stage stage, Location loc) {
  switch (stage) {
  case Stage::Supernet: {
    if (!options.elastic)
      return success();
    std::unique_ptr<Pass> build = createBuildSupernet();
    auto report = [&](const Twine &message) { return emitError(loc) << message; };
    if (failed(build->initializeOptions(options.supernetOptions, report)))
      return failure();
    pm.addPass(std::move(build));
    return success();
  }
  case Stage::Autodiff:
    buildAutodiffPipeline(pm, options.autodiff);
    return success();
  case Stage::Schedule:
    if (options.elastic)
      buildSchedulePipeline(pm, options.schedule);
    return success();
  case Stage::Kernels:
    buildKernelsPipeline(pm);
    return success();
  default:
    return emitError(loc, "stage cannot be run on a module");
  }
}

// Calls print with the stream of a stage's file, unless nothing is dumped.
static LogicalResult dump(ModuleOp module, StringRef folder, Stage stage,
                          function_ref<LogicalResult(raw_ostream &)> print) {
  if (folder.empty())
    return success();
  const StageInfo &info = allStages()[static_cast<size_t>(stage)];
  SmallString<128> path(folder);
  llvm::sys::path::append(path, std::to_string(static_cast<int>(stage) + 1) + "-" + info.name.str() + ".mlir");
  std::error_code code = llvm::sys::fs::create_directories(folder);
  if (!code) {
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      os << "// After " << info.name << ": " << info.sentence << ".\n";
      return print(os);
    }
  }
  return emitError(module.getLoc(), "cannot write '") << path << "': " << code.message();
}

static LogicalResult dump(ModuleOp module, StringRef folder, Stage stage) {
  return dump(module, folder, stage, [&](raw_ostream &os) {
    os << module << "\n";
    return success();
  });
}

Stage qfa::stageOf(ModuleOp module) {
  if (!module.getOps<KernelOp>().empty())
    return Stage::Kernels;
  if (module->hasAttr("qfa.mode"))
    return Stage::Schedule;
  if (!module.lookupSymbol<func::FuncOp>("forward"))
    return Stage::Autodiff;
  return module.getOps<ElasticOp>().empty() ? Stage::Import : Stage::Supernet;
}

LogicalResult qfa::runStages(ModuleOp module, const ProgramOptions &options, Stage from, Stage to) {
  if (from == Stage::Import && failed(dump(module, options.dumpStagesTo, Stage::Import)))
    return failure();
  for (const StageInfo &info : allStages()) {
    if (info.stage <= from || info.stage > to)
      continue;
    PassManager pm(module->getContext());
    if (failed(populateStage(pm, options, info.stage, module.getLoc())))
      return failure();
    pm.addPass(createVerifyStage(VerifyStageOptions{info.name.str()}));
    if (failed(pm.run(module)) || failed(dump(module, options.dumpStagesTo, info.stage)))
      return failure();
  }
  return success();
}

// Erases what is not code: the tables have been read off it.
template <typename... Keep>
static void keepOnly(ModuleOp module) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*module.getBody())))
    if (!isa<Keep...>(op))
      op.erase();
}

static int64_t intAttribute(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

// Kernels as LLVM functions for one instruction set, from their text: a unit is lowered in a context of its own.
static OwningOpRef<ModuleOp> lowerKernels(StringRef text, qfa_isa_t isa, MLIRContext &context,
                                          SmallVectorImpl<KernelTableRow> &rows) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  PassManager kernels(&context), llvmPasses(&context);
  llvmPasses.enableVerifier(false); // upstream's conversions; the builders' code before them is verified
  kernels.addPass(createLowerKernelsToCpu(LowerKernelsToCpuOptions{isaName(isa).str()}));
  if (!module || failed(kernels.run(*module)))
    return {};
  for (auto function : module->getOps<func::FuncOp>())
    if (function->hasAttr("qfa.tiles"))
      rows.push_back({function.getSymName().str(), intAttribute(function, "qfa.tiles"),
                      intAttribute(function, "qfa.scratch_bytes"), intAttribute(function, "qfa.flops")});
  buildLowerKernelsToLlvm(llvmPasses);
  return failed(llvmPasses.run(*module)) ? OwningOpRef<ModuleOp>() : std::move(module);
}

// The kernels of a module as text, dealt into parts of about equal size so that two cores share the work evenly.
static SmallVector<std::string> kernelTexts(ModuleOp module, int parts) {
  SmallVector<std::string> texts(parts);
  for (auto kernel : module.getOps<KernelOp>()) {
    std::string &shortest =
        *std::min_element(texts.begin(), texts.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
    llvm::raw_string_ostream(shortest) << kernel << "\n";
  }
  return texts;
}

static OwningOpRef<ModuleOp> lowerEntries(ModuleOp module) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module->getContext()->appendDialectRegistry(registry);
  OwningOpRef<ModuleOp> program = module.clone();
  PassManager pm(module->getContext());
  pm.addPass(createLowerProgram());
  if (failed(pm.run(*program)))
    return {};
  keepOnly<LLVM::LLVMFuncOp>(*program);
  return program;
}

LogicalResult qfa::printLowered(ModuleOp module, const ProgramOptions &options, raw_ostream &os) {
  OwningOpRef<ModuleOp> entries = lowerEntries(module);
  if (!entries)
    return failure();
  entries->setSymName("entries");
  os << *entries << "\n";
  for (qfa_isa_t isa : options.isas) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    SmallVector<KernelTableRow> rows;
    OwningOpRef<ModuleOp> kernels = lowerKernels(kernelTexts(module, 1)[0], isa, context, rows);
    if (!kernels)
      return failure();
    kernels->setSymName(isaName(isa));
    os << *kernels << "\n";
  }
  return success();
}

LogicalResult qfa::emitProgram(ModuleOp module, const ProgramOptions &options, ModuleInfo info,
                               const EmitOptions &emit) {
  auto dumped = dump(module, options.dumpStagesTo, Stage::Lowering,
                     [&](raw_ostream &os) { return printLowered(module, options, os); });
  if (failed(dumped))
    return failure();
  auto mode = module->getAttrOfType<StringAttr>("qfa.mode");
  info.mode = module.getOps<ElasticOp>().empty() || !mode ? QFA_MODE_DENSE
              : mode.getValue() == "static"               ? QFA_MODE_STATIC
                                                          : QFA_MODE_TABLE;
  if (auto supernet = module->getAttrOfType<StringAttr>("qfa.supernet_options"))
    info.supernetOptions = supernet.str();
  if (auto sampler = module->getAttrOfType<StringAttr>("qfa.sampler"))
    info.sampler = sampler.str();
  for (auto state : module.getOps<StateOp>())
    if (state.getKind() == StateKind::cache)
      info.context = cast<BufferType>(state.getType()).getShape()[0];
  ModuleTables tables = readModuleTables(module, std::move(info));

  SmallVector<KernelUnit> kernels;
  for (const std::string &text : kernelTexts(module, 2))
    for (qfa_isa_t isa : options.isas)
      kernels.push_back(
          {isa, [=](MLIRContext &context, auto &rows) { return lowerKernels(text, isa, context, rows); }});
  OwningOpRef<ModuleOp> program = lowerEntries(module);
  if (!program)
    return failure();
  SmallVector<GpuUnit> gpu;
  if (options.gpu.enabled) {
    tables.gpu.precision = options.gpu.precision;
    std::string text = kernelTexts(module, 1)[0];
    for (const GpuGroup &group : groupGpuArchs(options.gpu.archs, options.gpu.precision))
      gpu.push_back([=, &options](GpuCode &code) { return lowerToGpuCode(text, options.gpu, group, code); });
  }
  return emitExecutable(*program, kernels, gpu, tables, emit);
}

ModuleInfo qfa::readModuleInfo(ModuleOp module, StringRef modelName) {
  ModuleInfo info;
  info.name = modelName.str();
  for (StringRef name : {"forward", "decode", "prefill", "logits"}) // those whose result is logits
    if (auto function = module.lookupSymbol<func::FuncOp>(name))
      info.vocabulary = cast<RankedTensorType>(function.getResultTypes()[0]).getShape().back();
  return info;
}
