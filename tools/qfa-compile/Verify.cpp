// --verify: recorded inputs through the compiled code, compared with recorded logits.
#include "Driver.h"

#include "qfa/Format/Npz.h"
#include "qfa/Import/WriteWeights.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace qfa;

LogicalResult qfa::verifyModel(Module module, DriverOptions &options) {
  Location loc = module->getLoc();
  format::Arrays arrays;
  std::string error;
  if (!format::readNpz(options.verify, arrays, error))
    return emitError(loc) << error;
  auto ids = arrays.find("input_ids");
  if (ids == arrays.end() || ids->second.shape.size() != 2 || !arrays.count("logits"))
    return emitError(loc, "'") << options.verify
                               << "' needs arrays input_ids [batch, sequence] and logits [batch, sequence, vocabulary]";

  ProgramOptions &program = options.program;
  program.elastic = false; // the file's own weights
  program.autodiff.functions.functions = {"logits"};
  program.autodiff.functions.batch = ids->second.shape[0];
  program.autodiff.functions.sequence = ids->second.shape[1];
  SmallString<128> folder;
  if (std::error_code code = llvm::sys::fs::createUniqueDirectory("qfa-verify", folder))
    return emitError(loc, "cannot make a temporary folder: ") << code.message();
  std::string path = (folder + "/program").str();
  auto run = [&]() -> LogicalResult {
    ModuleInfo info = readModuleInfo(*module, modelName(options.model));
    if (llvm::Error failure = writeWeights(*module, path + ".safetensors"))
      return emitError(loc) << llvm::toString(std::move(failure));
    if (failed(runStages(*module, program, options.compileFrom, Stage::Kernels)) ||
        failed(emitProgram(*module, program, std::move(info), emitOptions(options, path))))
      return failure();
    std::string tolerance = llvm::formatv("{0:e}", options.tolerance).str();
    StringRef arguments[] = {path, "logits", "--input", options.verify, "--tolerance", tolerance};
    return success(llvm::sys::ExecuteAndWait(path, arguments) == 0);
  };
  LogicalResult result = run();
  llvm::sys::fs::remove_directories(folder);
  return result;
}
