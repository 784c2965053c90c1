// A variable comes after all that are placed already and that some kernel uses together with it.
#include "PlaceShared.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/ReplaceConstant.h"

using namespace llvm;
using namespace qfa::emu;

namespace {

constexpr unsigned sharedSpace = 3;
constexpr uint64_t leastAlignment = 16;

struct Variable {
  llvm::GlobalVariable *global;
  uint64_t bytes, alignment;
  SmallVector<unsigned> kernels; // positions of those that use it
};

// The functions that a kernel may run; a call through a pointer may run any.
SmallPtrSet<const Function *, 8> reachable(Function &kernel) {
  SmallPtrSet<const Function *, 8> seen = {&kernel};
  SmallVector<const Function *> left = {&kernel};
  while (!left.empty())
    for (const Instruction &instruction : instructions(*left.pop_back_val()))
      if (auto *call = dyn_cast<CallBase>(&instruction)) {
        if (const Function *callee = call->getCalledFunction()) {
          if (seen.insert(callee).second)
            left.push_back(callee);
        } else if (!call->isInlineAsm()) {
          for (const Function &any : *kernel.getParent())
            if (seen.insert(&any).second)
              left.push_back(&any);
        }
      }
  return seen;
}

} // namespace

void qfa::emu::placeShared(Module &module, ArrayRef<Function *> kernels, const DataLayout &device,
                           Instrumenter &instrumenter, Retargeted &parts, SmallVectorImpl<std::string> &problems) {
  SmallVector<SmallPtrSet<const Function *, 8>> functions;
  for (Function *kernel : kernels)
    functions.push_back(reachable(*kernel));
  SmallVector<Variable> fixed, dynamic;
  uint64_t strongest = leastAlignment; // dynamic memory may be seen through several names: all begin at one place
  for (llvm::GlobalVariable &global : module.globals()) {
    if (global.getAddressSpace() != sharedSpace)
      continue;
    convertUsersOfConstantsToInstructions({&global});
    Variable variable{&global,
                      device.getTypeAllocSize(global.getValueType()),
                      std::max<uint64_t>(leastAlignment, global.getAlign().valueOrOne().value()),
                      {}};
    for (unsigned kernel = 0; kernel < kernels.size(); ++kernel)
      if (llvm::any_of(global.users(), [&](User *user) {
            auto *instruction = dyn_cast<Instruction>(user);
            return instruction && functions[kernel].contains(instruction->getFunction());
          }))
        variable.kernels.push_back(kernel);
    if (!variable.bytes)
      strongest = std::max(strongest, variable.alignment);
    (variable.bytes ? fixed : dynamic).push_back(std::move(variable));
  }

  auto endOf = [&](const Variable &variable) { // of what its kernels hold so far
    uint64_t end = 0;
    for (unsigned kernel : variable.kernels)
      end = std::max<uint64_t>(end, parts.kernels[kernel].staticSharedBytes);
    return end;
  };
  auto place = [&](Variable &variable, uint64_t offset) {
    for (unsigned kernel : variable.kernels) {
      KernelSignature &signature = parts.kernels[kernel];
      signature.staticSharedBytes = offset + variable.bytes;
      if (variable.bytes)
        signature.sharedVariables.push_back(
            {variable.global->getName().str(), uint32_t(offset), uint32_t(variable.bytes)});
    }
    for (Use &use : make_early_inc_range(variable.global->uses())) {
      if (auto *user = dyn_cast<Instruction>(use.getUser()))
        use.set(instrumenter.sharedAddress(*user->getFunction(), offset));
      else
        problems.push_back("address of shared variable '" + variable.global->getName().str() + "' in a constant");
    }
    if (variable.global->use_empty())
      variable.global->eraseFromParent();
  };
  for (Variable &variable : fixed)
    place(variable, alignTo(endOf(variable), variable.alignment));
  uint64_t afterAll = 0;
  for (Variable &variable : dynamic)
    afterAll = std::max(afterAll, endOf(variable));
  for (Variable &variable : dynamic)
    place(variable, alignTo(afterAll, strongest));
}
