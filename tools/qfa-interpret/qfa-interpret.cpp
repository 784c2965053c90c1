// The oracle as a tool: runs a function of a module with the reference interpreter, prints or compares what it returns,
// or checks a training function's gradients.
#include "Inputs.h"

#include "qfa/Format/Npz.h"
#include "qfa/Reference/GradientCheck.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

#include <cmath>

using namespace mlir;
using namespace qfa;
using namespace qfa::reference;
namespace cl = llvm::cl;

static cl::OptionCategory category("qfa-interpret options");
static cl::opt<std::string> modelFile(cl::Positional, cl::desc("model.mlir"), cl::init("-"), cl::cat(category));
static cl::list<std::string> entries("entry",
                                     cl::desc("Function to run; given several times, state passes from one to "
                                              "the next (default: main)"),
                                     cl::cat(category));
static cl::list<std::string> weightFiles("weights", cl::desc("Safetensors with parameters, copies or adapters"),
                                         cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string> modelFolder("model-folder", cl::desc("Folder of the files that parameters name"),
                                        cl::cat(category));
static cl::list<std::string> settings("input",
                                      cl::desc("Value of an input: a .npy file, FILE.npz, FILE.npz:ARRAY or a "
                                               "literal; others come from the seed"),
                                      cl::value_desc("[entry:]name=value"), cl::cat(category));
static cl::opt<std::string> outputFile("output", cl::desc("Write what the last entry returns, as .npz"),
                                       cl::value_desc("file.npz"), cl::cat(category));
static cl::list<std::string> configuration("configuration", cl::desc("Bits of sites"), cl::CommaSeparated,
                                           cl::value_desc("site=bits,..."), cl::cat(category));
static cl::opt<int64_t> bits("bits", cl::desc("Bits of all other sites that have them"), cl::cat(category));
static cl::opt<Precision> precision("precision", cl::desc("What values between ops are rounded to"),
                                    cl::init(Precision::F64),
                                    cl::values(clEnumValN(Precision::F32, "f32", "float"),
                                               clEnumValN(Precision::F64, "f64", "double (default)")),
                                    cl::cat(category));
static cl::opt<uint64_t> seed("seed", cl::desc("Seed of weights and inputs that are not given"), cl::cat(category));
static cl::opt<std::string> compareFile("compare", cl::desc("Fail where a result differs from the array of its name"),
                                        cl::value_desc("file.npz"), cl::cat(category));
static cl::opt<double> tolerance("tolerance",
                                 cl::desc("Of --compare, absolute (default 1e-4), or of --check-gradients, "
                                          "relative (default 1e-6)"),
                                 cl::cat(category));
static cl::opt<std::string> trainEntry("check-gradients", cl::ValueOptional,
                                       cl::desc("Compare the gradients of this function (default: train_step) with "
                                                "differences of the loss"),
                                       cl::value_desc("function"), cl::cat(category));
static cl::opt<std::string> lossEntry("loss", cl::desc("Function of the loss for --check-gradients"),
                                      cl::init("eval_step"), cl::cat(category));
static cl::opt<int64_t> samples("samples", cl::desc("Elements per trainable for --check-gradients"), cl::init(4),
                                cl::cat(category));
static cl::opt<bool> printStates("print-states", cl::desc("Print all states and trained tensors in the end"),
                                 cl::cat(category));

static LogicalResult configure(Interpreter &interpreter) {
  interpreter.setDefaultBits(bits);
  for (StringRef setting : configuration) {
    auto [site, width] = setting.rsplit('=');
    int64_t value;
    if (width.getAsInteger(10, value))
      return interpreter.getModule().emitError("'") << setting << "' is not site=bits";
    if (failed(interpreter.setBits(site, value)))
      return failure();
  }
  return success();
}

// Results by name against a recorded archive; arrays that only one side has do not count, but one must match.
static LogicalResult compare(func::FuncOp function, ArrayRef<Tensor> outputs) {
  format::Arrays recorded;
  std::string error;
  if (!format::readNpz(compareFile, recorded, error))
    return function.emitError() << error;
  double allowed = tolerance.getNumOccurrences() ? tolerance : 1e-4;
  int compared = 0;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    std::string name = outputName(function, i);
    auto found = recorded.find(name);
    if (found == recorded.end())
      continue;
    if (found->second.shape != output.shape)
      return function.emitOpError("result '") << name << "' has shape [" << ArrayRef<int64_t>(output.shape)
                                              << "], recorded is [" << ArrayRef<int64_t>(found->second.shape) << "]";
    double largest = 0;
    for (int64_t k = 0; k < output.size(); ++k) {
      double difference = std::fabs(output.data[k] - found->second.values[k]);
      largest = difference <= largest ? largest : difference; // a NaN is the largest
    }
    llvm::outs() << name << ": largest difference " << llvm::format("%.3e", largest) << "\n";
    if (!(largest <= allowed))
      return function.emitOpError("result '") << name << "' differs by " << largest << ", allowed is " << allowed;
    ++compared;
  }
  return compared ? success() : function.emitOpError("has no result of a name that ") << compareFile << " has";
}

static LogicalResult writeOutputs(func::FuncOp function, ArrayRef<Tensor> outputs) {
  format::Arrays arrays;
  for (auto [i, output] : llvm::enumerate(outputs))
    arrays[outputName(function, i)] = {output.shape, false, output.data};
  std::string error;
  if (!format::writeNpz(outputFile, arrays, precision == Precision::F64, error))
    return function.emitError() << error;
  return success();
}

static void printState(Interpreter &interpreter) {
  for (StateOp state : interpreter.getModule().getOps<StateOp>()) {
    Tensor value;
    auto type = cast<BufferType>(state.getType());
    value.shape.assign(type.getShape().begin(), type.getShape().end());
    value.data = interpreter.state(state).vec();
    llvm::outs() << "state " << state.getSymName() << ": ";
    printTensor(llvm::outs(), value);
    llvm::outs() << "\n";
  }
  for (TrainableOp trainable : interpreter.getModule().getOps<TrainableOp>())
    if (Trained *trained = interpreter.trainable(trainable)) {
      llvm::outs() << "trainable " << trainable.getSymName() << " after " << trained->steps << " steps: ";
      printTensor(llvm::outs(), trained->value);
      llvm::outs() << "\n";
    }
}

static LogicalResult runEntry(Interpreter &interpreter, StringRef entry, bool last) {
  ModuleOp module = interpreter.getModule();
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  std::vector<Tensor> inputs;
  if (!function)
    return module.emitError("has no function '") << entry << "'";
  std::vector<std::string> own; // those for all entries, and those that name this one
  for (StringRef setting : settings) {
    auto [name, value] = setting.split('=');
    auto [owner, input] = name.split(':');
    if (value.empty() || input.empty())
      own.push_back(setting.str());
    else if (owner == entry)
      own.push_back((input + "=" + value).str());
  }
  if (failed(readInputs(function, own, seed, vocabularyOf(module), inputs)))
    return failure();
  FailureOr<std::vector<Tensor>> outputs = interpreter.run(entry, inputs);
  if (failed(outputs))
    return failure();
  if (last && !outputFile.empty())
    return writeOutputs(function, *outputs);
  if (last && !compareFile.empty())
    return compare(function, *outputs);
  for (auto [i, output] : llvm::enumerate(*outputs)) {
    llvm::outs() << entry << " " << outputName(function, i) << ": ";
    printTensor(llvm::outs(), output);
    llvm::outs() << "\n";
  }
  return success();
}

static LogicalResult interpret(ModuleOp module) {
  std::string folder = modelFolder.empty() ? llvm::sys::path::parent_path(modelFile).str() : modelFolder;
  FileWeights weights(folder.empty() ? "." : folder, std::make_unique<SeededWeights>(seed));
  for (const std::string &file : weightFiles) {
    std::string error;
    if (!weights.open(file, error))
      return module.emitError() << error;
  }
  Interpreter interpreter(module, weights, precision);
  if (failed(configure(interpreter)))
    return failure();
  if (trainEntry.getNumOccurrences()) {
    GradientCheckOptions options;
    options.train = trainEntry.empty() ? "train_step" : trainEntry.getValue();
    options.loss = lossEntry;
    options.samples = samples;
    options.seed = seed;
    if (tolerance.getNumOccurrences())
      options.tolerance = tolerance;
    auto function = module.lookupSymbol<func::FuncOp>(options.train);
    std::vector<Tensor> inputs;
    if (!function)
      return module.emitError("has no function '") << options.train << "'";
    if (failed(readInputs(function, settings, seed, vocabularyOf(module), inputs)))
      return failure();
    return checkGradients(interpreter, inputs, options, llvm::outs());
  }
  std::vector<std::string> order(entries.begin(), entries.end());
  if (order.empty())
    order.push_back("main");
  for (auto [i, entry] : llvm::enumerate(order))
    if (failed(runEntry(interpreter, entry, i + 1 == order.size())))
      return failure();
  if (printStates)
    printState(interpreter);
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "QFA reference interpreter\n");
  std::string error;
  auto file = openInputFile(modelFile, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return 1;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  DialectRegistry registry;
  registry.insert<QfaDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false); // the op may be a whole function
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  return module && succeeded(interpret(*module)) ? 0 : 1;
}
