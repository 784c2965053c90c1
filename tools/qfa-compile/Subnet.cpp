// --subnet: an inference program of one configuration, with weights as small as the budget says.
#include "Driver.h"

#include "qfa/Extract/ExtractSubnet.h"

#include "llvm/Support/Format.h"

using namespace mlir;
using namespace qfa;

LogicalResult qfa::compileSubnet(Module module, DriverOptions &options) {
  auto supernetOptions = readSupernetOptions(options.weights, module->getLoc());
  if (failed(supernetOptions))
    return failure();
  ProgramOptions &program = options.program;
  program.elastic = true;
  program.supernetOptions = *supernetOptions;
  program.autodiff.functions.functions = {"eval_step", "prefill", "decode"};
  program.schedule.mode = "static";
  program.schedule.file = options.subnet;

  ModuleInfo info = readModuleInfo(*module, modelName(options.model));
  if (failed(runToStage(*module, options)))
    return failure();
  if (options.compileTo != Stage::Emit)
    return success();
  SubnetReport report;
  if (failed(emitWithWeights(*module, options, std::move(info),
                             [&](StringRef path) { return extractSubnet(*module, options.weights, path, report); })))
    return failure();
  llvm::outs() << options.output << ".safetensors: " << report.bytes << " bytes, " << report.merged
               << " adapters merged";
  if (program.schedule.scaleType == "f16")
    llvm::outs() << ", largest rounding of a zero to f16 " << llvm::format("%.2g", report.largestZeroError)
                 << " of its scale";
  llvm::outs() << "\n";
  return success();
}
