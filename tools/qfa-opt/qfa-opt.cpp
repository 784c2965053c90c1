// The developer's tool: runs any pass or pipeline on a file of IR, or on the graph of an ONNX file.
#include "qfa/Import/ImportOnnx.h"
#include "qfa/Pipelines/Registration.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// Hands the graph as it was written to the passes. As bytecode: node names contain what text would have to escape.
static LogicalResult runOnOnnx(StringRef input, StringRef output, DialectRegistry &registry) {
  std::string bytes, error;
  {
    MLIRContext context(registry);
    FailureOr<OwningOpRef<ModuleOp>> module = qfa::importOnnx(input, &context, {.raise = false});
    llvm::raw_string_ostream stream(bytes);
    if (failed(module) || failed(writeBytecodeToFile(**module, stream)))
      return failure();
  }
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return failure();
  }
  auto buffer = llvm::MemoryBuffer::getMemBuffer(bytes, input, /*RequiresNullTerminator=*/false);
  if (failed(MlirOptMain(file->os(), std::move(buffer), registry, MlirOptMainConfig::createFromCLOptions())))
    return failure();
  file->keep();
  return success();
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  qfa::registerAllDialects(registry);
  qfa::registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(argc, argv, "QFA optimizer driver\n", registry);
  if (StringRef(input).ends_with(".onnx"))
    return asMainReturnCode(runOnOnnx(input, output, registry));
  return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
}
