// The user's tool: a model becomes a training program, a subnet becomes an inference program; any stage can be looked
// at.
#include "Driver.h"

#include "qfa/Format/Safetensors.h"
#include "qfa/Import/ImportOnnx.h"
#include "qfa/Import/WriteWeights.h"
#include "qfa/Pipelines/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace qfa;

std::string qfa::modelName(StringRef path) {
  StringRef stem = llvm::sys::path::stem(path);
  StringRef folder = llvm::sys::path::filename(llvm::sys::path::parent_path(path));
  return (stem == "model" && !folder.empty() ? folder : stem).str(); // exporters call every file model.onnx
}

EmitOptions qfa::emitOptions(const DriverOptions &options, StringRef output) {
  EmitOptions emit;
  emit.output = output.str();
  emit.runtimeLibrary = options.runtimeLibrary;
  emit.linker = options.linker;
  return emit;
}

LogicalResult qfa::replaceWeights(ModuleOp module, StringRef path) {
  SmallString<128> file(path);
  if (llvm::sys::fs::is_directory(file))
    llvm::sys::path::append(file, "model.safetensors");
  format::SafetensorsReader reader;
  std::string error;
  if (!reader.open(file.str().str(), error))
    return emitError(module.getLoc(), "weights cannot be read: ") << error;
  Builder builder(module.getContext());
  for (auto parameter : module.getOps<ParameterOp>()) {
    const format::TensorView *tensor = reader.find(parameter.getSymName());
    auto type = cast<RankedTensorType>(parameter.getType());
    if (!tensor)
      return emitError(parameter.getLoc(), "weight '") << parameter.getSymName() << "' is not in '" << file << "'";
    if (ArrayRef<int64_t>(tensor->shape) != type.getShape() || tensor->type > format::DType::BF16)
      return emitError(parameter.getLoc(), "weight '")
             << parameter.getSymName() << "' in '" << file << "' is not a float tensor of shape " << type;
    Type storage = tensor->type == format::DType::F32   ? Type(builder.getF32Type())
                   : tensor->type == format::DType::F16 ? Type(builder.getF16Type())
                                                        : Type(builder.getBF16Type());
    parameter.setFile(file);
    parameter.setOffset(tensor->offset);
    parameter.setBytes(tensor->bytes);
    parameter.setStorage(storage);
    parameter.setTransposed(false);
  }
  return success();
}

LogicalResult qfa::runToStage(ModuleOp module, const DriverOptions &options) {
  const ProgramOptions &program = options.program;
  if (failed(runStages(module, program, options.compileFrom, std::min(options.compileTo, Stage::Kernels))))
    return failure();
  if (options.compileTo == Stage::Lowering)
    return printLowered(module, program, llvm::outs());
  if (options.compileTo != Stage::Emit)
    llvm::outs() << module << "\n";
  return success();
}

LogicalResult qfa::emitWithWeights(ModuleOp module, const DriverOptions &options, ModuleInfo info,
                                   function_ref<LogicalResult(StringRef)> write) {
  std::string weights = options.output + ".safetensors", aside = weights + ".new";
  llvm::FileRemover removeAside(aside);
  llvm::sys::RemoveFileOnSignal(aside);
  if (failed(write(aside)) ||
      failed(emitProgram(module, options.program, std::move(info), emitOptions(options, options.output))))
    return failure();
  if (std::error_code code = llvm::sys::fs::rename(aside, weights))
    return emitError(module->getLoc(), "cannot write '") << weights << "': " << code.message();
  removeAside.releaseFile();
  return success();
}

LogicalResult qfa::compileTraining(Module module, DriverOptions &options) {
  ModuleInfo info = readModuleInfo(*module, modelName(options.model));
  if (failed(runToStage(*module, options)))
    return failure();
  if (options.compileTo != Stage::Emit)
    return success();
  if (options.programOnly)
    return emitProgram(*module, options.program, std::move(info), emitOptions(options, options.output));
  return emitWithWeights(*module, options, std::move(info), [&](StringRef path) -> LogicalResult {
    if (llvm::Error error = writeWeights(*module, path))
      return emitError(module->getLoc()) << llvm::toString(std::move(error));
    return success();
  });
}

static Module readModel(const DriverOptions &options, MLIRContext &context) {
  if (!StringRef(options.model).ends_with(".mlir")) {
    auto imported = importOnnx(options.model, &context);
    return failed(imported) ? Module() : std::move(*imported);
  }
  return parseSourceFile<ModuleOp>(options.model, &context);
}

// A place as the user knows it: a node or tensor of the model, or a line of a module.
static void printPlace(Location loc, raw_ostream &os) {
  if (auto name = dyn_cast<NameLoc>(loc))
    os << name.getName().getValue() << ": ";
  else if (auto line = dyn_cast<FileLineColLoc>(loc))
    os << line.getFilename().getValue() << ":" << line.getLine() << ":" << line.getColumn() << ": ";
  else if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty())
    printPlace(fused.getLocations().front(), os);
}

static LogicalResult printDiagnostic(Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  (isError ? llvm::WithColor::error(llvm::errs(), "qfa-compile")
           : llvm::WithColor::warning(llvm::errs(), "qfa-compile"));
  printPlace(diagnostic.getLocation(), llvm::errs());
  llvm::errs() << diagnostic << "\n";
  for (Diagnostic &note : diagnostic.getNotes()) {
    llvm::WithColor::note(llvm::errs(), "qfa-compile");
    printPlace(note.getLocation(), llvm::errs());
    llvm::errs() << note << "\n";
  }
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DriverOptions options = parseCommandLine(argc, argv);
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false); // the op may be a whole function
  ScopedDiagnosticHandler diagnostics(&context, printDiagnostic);

  Location loc = NameLoc::get(StringAttr::get(&context, options.model));
  bool emits = options.verify.empty() && options.compileTo == Stage::Emit;
  if (emits && failed(checkEmission(emitOptions(options, options.output), loc)))
    return 1;
  Module module = readModel(options, context);
  if (!module)
    return 1;
  if (!options.weights.empty() && options.subnet.empty() && failed(replaceWeights(*module, options.weights)))
    return 1;
  auto *run = !options.verify.empty() ? verifyModel : !options.subnet.empty() ? compileSubnet : compileTraining;
  return failed(run(std::move(module), options));
}
