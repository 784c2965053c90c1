// The names of the stages and what each guarantees.
#include "qfa/Pipelines/Stages.h"

#include "llvm/ADT/STLExtras.h"

using namespace qfa;

llvm::ArrayRef<StageInfo> qfa::allStages() {
  static const StageInfo stages[] = {
      {Stage::Import, "import", "@forward holds model ops only; weights are symbols with a type and a location"},
      {Stage::Supernet, "supernet", "every linear layer of a block is elastic, at a site with a bit set"},
      {Stage::Autodiff, "autodiff", "entries have static shapes; the training step holds loss, backward and gradients"},
      {Stage::Schedule, "schedule",
       "the bit choice is left to the site table, or, for a subnet, every elastic weight has one width"},
      {Stage::Kernels, "kernels", "entries hold launches of kernels only, with places in one arena"},
      {Stage::Lowering, "lowering", "entries and kernels are LLVM functions of the module ABI"},
      {Stage::Emit, "emit", "an executable"},
  };
  return stages;
}

std::optional<Stage> qfa::parseStage(llvm::StringRef name) {
  for (const StageInfo &info : allStages())
    if (info.name == name)
      return info.stage;
  return std::nullopt;
}
