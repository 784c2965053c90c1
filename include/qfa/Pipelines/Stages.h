// The stages in order: the one place where their order is written.
#ifndef QFA_PIPELINES_STAGES_H
#define QFA_PIPELINES_STAGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace qfa {

enum class Stage {
  Import,   // ONNX to model ops on tensors
  Supernet, // linear layers to sites with copies and adapters
  Autodiff, // the forward function to the program's functions: training step, evaluation, inference
  Schedule, // the bit configuration becomes data (table) or constants (static)
  Kernels,  // ops to launches of deduplicated kernels, memory to one arena
  Lowering, // kernels to LLVM, once per instruction set
  Emit,     // object code, tables, link
};

struct StageInfo {
  Stage stage;
  llvm::StringRef name;     // as in --compile-to
  llvm::StringRef sentence; // what holds after the stage
};

// All stages, in order.
llvm::ArrayRef<StageInfo> allStages();
std::optional<Stage> parseStage(llvm::StringRef name);

} // namespace qfa

#endif // QFA_PIPELINES_STAGES_H
