// The reference interpreter: runs functions of qfa ops on tensors with plain loops. It is the oracle of numeric tests,
// so it is written to be read, not to be quick.
#ifndef QFA_REFERENCE_INTERPRETER_H
#define QFA_REFERENCE_INTERPRETER_H

#include "qfa/Reference/Weights.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

#include <map>

namespace qfa::reference {

// All arithmetic is in double. With F32 every result is rounded to float when its op is done.
enum class Precision { F32, F64 };

// A tensor that an optimizer may change, with the optimizer's memory of it.
struct Trained {
  Tensor value;
  std::vector<double> m, v;
  int64_t steps = 0;
};

// The row of an elastic weight at one width; a and b are null when it has no adapter.
struct ElasticRow {
  const Tensor *weight; // [out, in]
  Trained *a, *b;       // [rank, groups], [out, rank]
};

class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, Weights &weights, Precision precision = Precision::F64);

  // Runs a function; on failure an error stands on the op that could not go on.
  llvm::FailureOr<std::vector<Tensor>> run(llvm::StringRef entry, llvm::ArrayRef<Tensor> inputs);

  // The width in force at a site. Without a word about it: `defaultBits` if the site has that, else its largest.
  llvm::LogicalResult setBits(llvm::StringRef site, int64_t bits);
  void setDefaultBits(int64_t bits) { defaultBits = bits; }
  int64_t bitsOf(ElasticOp op);

  // Values in force; null after an error. What is changed here is what the next run sees.
  Trained *parameter(ParameterOp op);
  Trained *adapter(ElasticOp op, llvm::StringRef role);
  Trained *trainable(TrainableOp op);
  llvm::FailureOr<ElasticRow> elastic(ElasticOp op);

  // The memory of a state, or of all states of a kind.
  llvm::MutableArrayRef<double> state(StateOp op);
  llvm::MutableArrayRef<double> states(StateKind kind) { return memory[static_cast<int>(kind)]; }

  mlir::ModuleOp getModule() { return module; }
  Precision getPrecision() const { return precision; }

private:
  mlir::ModuleOp module;
  Weights &weights;
  Precision precision;
  int64_t defaultBits = 0;
  llvm::StringMap<int64_t> configuration;
  std::map<std::string, Trained> trained; // by the name in files
  std::map<std::string, Tensor> copies;
  llvm::DenseMap<mlir::Operation *, int64_t> stateOffsets;
  std::vector<double> memory[2];
};

} // namespace qfa::reference

#endif // QFA_REFERENCE_INTERPRETER_H
