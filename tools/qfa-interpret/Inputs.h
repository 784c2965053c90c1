// What a function's inputs are called, and where their values come from.
#ifndef QFA_TOOLS_QFA_INTERPRET_INPUTS_H
#define QFA_TOOLS_QFA_INTERPRET_INPUTS_H

#include "qfa/Format/Npz.h"
#include "qfa/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qfa {

// The name of an argument or result: its attribute qfa.name or onnx.name, or else its number.
std::string inputName(mlir::func::FuncOp function, unsigned index);
std::string outputName(mlir::func::FuncOp function, unsigned index);

// One value per argument. A setting is NAME=VALUE, or VALUE for the next argument without one; VALUE is a .npy file, an
// array in a .npz file (FILE.npz:ARRAY; FILE.npz alone: the array of the argument's name) or a JSON literal as [[1, 2],
// [3, 4]]. Arguments without a setting come from the seed: identifiers and labels [.., ..] are below `vocabulary`,
// other integers 0.
mlir::LogicalResult readInputs(mlir::func::FuncOp function, llvm::ArrayRef<std::string> settings, uint64_t seed,
                               int64_t vocabulary, std::vector<reference::Tensor> &inputs);

// Rows of the smallest embedding table of a module, 0 without one.
int64_t vocabularyOf(mlir::Operation *module);

void printTensor(llvm::raw_ostream &out, const reference::Tensor &tensor);

} // namespace qfa

#endif // QFA_TOOLS_QFA_INTERPRET_INPUTS_H
