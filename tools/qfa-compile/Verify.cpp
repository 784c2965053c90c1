// --verify: recorded inputs through the compiled code, compared with recorded logits.
#include "Driver.h"
#include "Recorded.h"

#include "qfa/Import/WriteWeights.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace qfa;

LogicalResult qfa::verifyModel(Module module, DriverOptions &options) {
  Location loc = module->getLoc();
  auto sets = readRecorded(options.verify, options.model);
  if (!sets)
    return emitError(loc) << llvm::toString(sets.takeError());
  ProgramOptions &program = options.program;
  program.elastic = false; // the file's own weights
  program.autodiff.functions.functions = {"logits"};
  program.autodiff.functions.batch = program.autodiff.functions.sequence = 1;
  for (const Recorded &recorded : *sets) { // one shape that all of them fit into
    const std::vector<int64_t> &shape = recorded.arrays.at("input_ids").shape;
    program.autodiff.functions.batch = std::max<int64_t>(program.autodiff.functions.batch, shape[0]);
    program.autodiff.functions.sequence = std::max<int64_t>(program.autodiff.functions.sequence, shape[1]);
  }
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
    std::string tolerance = llvm::formatv("{0:e}", options.tolerance).str(), input = path + ".npz", error;
    bool good = true;
    for (const Recorded &recorded : *sets) {
      if (!format::writeNpz(input, recorded.arrays, /*wide=*/true, error))
        return emitError(loc) << error;
      if (sets->size() > 1)
        llvm::outs() << recorded.name << ": ";
      llvm::outs().flush();
      StringRef arguments[] = {path, "logits", "--input", input, "--tolerance", tolerance};
      good &= llvm::sys::ExecuteAndWait(path, arguments) == 0;
    }
    return success(good);
  };
  LogicalResult result = run();
  llvm::sys::fs::remove_directories(folder);
  return result;
}
