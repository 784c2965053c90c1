// The parts of qfa-compile: options, and the three things it makes of a model.
#ifndef QFA_TOOLS_QFA_COMPILE_DRIVER_H
#define QFA_TOOLS_QFA_COMPILE_DRIVER_H

#include "qfa/Pipelines/CompileProgram.h"

#include "mlir/IR/OwningOpRef.h"

namespace qfa {

struct DriverOptions {
  std::string model, output;
  std::string weights; // a run or a safetensors file whose weights replace the model's
  std::string subnet;  // a subnet's JSON
  std::string verify;  // recorded inputs and logits: .npz, or a folder of ONNX test data
  double tolerance = 1e-4;
  bool programOnly = false; // without its weight file
  std::string linker, runtimeLibrary;
  Stage compileTo = Stage::Emit, compileFrom = Stage::Import;
  ProgramOptions program;
};

// Parses the command line; exits on --help, --version and errors.
DriverOptions parseCommandLine(int argc, char **argv);

using Module = mlir::OwningOpRef<mlir::ModuleOp>;

// A training program: executable and, beside it, the float weights.
llvm::LogicalResult compileTraining(Module module, DriverOptions &options);
// An inference program of one subnet, and its weights.
llvm::LogicalResult compileSubnet(Module module, DriverOptions &options);
// Runs recorded inputs through compiled code and compares; prints the largest difference.
llvm::LogicalResult verifyModel(Module module, DriverOptions &options);

// The tensors of a safetensors file, or of RUN/model.safetensors, become the places of the parameters of the same
// names.
llvm::LogicalResult replaceWeights(mlir::ModuleOp module, llvm::StringRef path);

// Runs the stages up to --compile-to; with a stage before emit, prints the module as it stands then.
llvm::LogicalResult runToStage(mlir::ModuleOp module, const DriverOptions &options);
// Emits the program with the weights that `write` puts into a file: both take their places only when both are whole.
llvm::LogicalResult emitWithWeights(mlir::ModuleOp module, const DriverOptions &options, ModuleInfo info,
                                    llvm::function_ref<llvm::LogicalResult(llvm::StringRef)> write);
EmitOptions emitOptions(const DriverOptions &options, llvm::StringRef output);
std::string modelName(llvm::StringRef path);

} // namespace qfa

#endif // QFA_TOOLS_QFA_COMPILE_DRIVER_H
